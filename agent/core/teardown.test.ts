import { describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import type { HookRun } from './device.ts';
import { downHooksOf, teardownOf, withEffect, withoutEffect } from './teardown.ts';

/** What takes a rule back. */
const undone = (rule: string): string => rule.replace('-A', '-D');

const run = (list: HookRun['list'], command: string, outcome: HookRun['outcome'] = 'done', line?: number): HookRun => ({
  list,
  line: line ?? Math.max(0, 'abc'.indexOf(command)),
  command,
  outcome,
});
const [A, B] = ['iptables -w -A FORWARD -i wg0 -j ACCEPT', 'iptables -w -A FORWARD -o wg0 -j ACCEPT'];
const TWO = aConfig({ postUp: [`${A}; ${B}; sysctl -w net.ipv4.ip_forward=1`], preDown: ['all of it'] });
const paired = aConfig({ postUp: ['a', 'b', 'c'], postDown: ['-a', '-b', '-c'] });

test.each([
  { name: 'nothing ran, nothing is taken back', config: paired, runs: [], expected: [] },
  {
    name: 'D4: what ran is taken back, the last first, also what failed',
    config: paired,
    runs: [run('postUp', 'a'), run('postUp', 'b', 'failed')],
    expected: ['-b', '-a'],
  },
  {
    name: 'D1: so is what a crash found started',
    config: paired,
    runs: [run('postUp', 'a', 'started')],
    expected: ['-a'],
  },
  {
    name: 'each list has pairs of its own',
    config: aConfig({ preUp: ['x'], postUp: ['a', 'b'], preDown: ['-a', '-b'], postDown: ['-x'] }),
    runs: [run('preUp', 'x'), run('postUp', 'a')],
    expected: ['-a', '-x'],
  },
  {
    name: 'without a pair the whole teardown runs',
    config: aConfig({ postUp: ['a', 'b'], preDown: ['-p'], postDown: ['-q', '-r', '-s'] }),
    runs: [run('postUp', 'a')],
    expected: ['-p', '-q', '-r', '-s'],
  },
  {
    name: 'of a line that came half way only the commands that ran are taken back',
    config: TWO,
    runs: [run('postUp', A), run('postUp', B, 'failed')],
    expected: [B.replace('-A', '-D'), A.replace('-A', '-D')],
  },
  {
    name: 'or all of it, where a command has no inverse',
    config: TWO,
    runs: [run('postUp', A), run('postUp', B), run('postUp', 'sysctl -w net.ipv4.ip_forward=1', 'failed')],
    expected: ['all of it'],
  },
  {
    name: 'a line that ran as a whole has its pair',
    config: TWO,
    runs: [run('postUp', A), run('postUp', B), run('postUp', 'sysctl -w net.ipv4.ip_forward=1')],
    expected: ['all of it'],
  },
  {
    name: 'what an undo came up without is not taken back',
    config: TWO,
    runs: [run('postUp', A), run('postUp', B, 'missing', 1)],
    expected: [undone(A)],
  },
])('$name', ({ config, runs, expected }) => {
  expect(teardownOf(config, runs)).toEqual(expected);
});

describe('the teardown of a device that came up without what a hook sets up', () => {
  const place = { list: 'postUp', line: 0 } as const;
  const SYSCTL = 'sysctl -q -w net.ipv4.ip_forward=1';
  const teardown = { preDown: [`${undone(B)}; ${undone(A)}`, 'theirs'], postDown: [] };

  test('leaves the inverse of that command out, and nothing else', () => {
    const runs = withoutEffect([run('postUp', A), run('postUp', B, 'failed', 0)], `${A}; ${B}`, place);
    expect(downHooksOf(teardown, runs)).toEqual({ preDown: [undone(A), 'theirs'], postDown: [] });
  });

  test('leaves out what never ran, as the line had ended before it', () => {
    const runs = withoutEffect([run('postUp', SYSCTL, 'failed', 0)], `${SYSCTL}; ${A}; ${B}`, place);
    expect(downHooksOf(teardown, runs)).toEqual({ preDown: ['theirs'], postDown: [] });
  });

  test('is whole once the command was run again', () => {
    const runs = withoutEffect([run('postUp', A, 'failed')], A, place);
    expect(downHooksOf(teardown, withEffect(runs, [A]))).toEqual(teardown);
  });

  test('is whole where another line made the very same rule', () => {
    const runs = withoutEffect([run('postUp', A, 'done', 1), run('postUp', A, 'failed', 0)], A, place);
    expect(downHooksOf(teardown, runs)).toEqual(teardown);
  });

  test('is whole where bash ran the line: it may have come half way', () => {
    const line = `${A}   ; ${B}`;
    expect(downHooksOf(teardown, withoutEffect([run('postUp', line, 'failed')], line, place))).toEqual(teardown);
  });
});

import { describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { hookChange, mayAddFirst } from './hook-change.ts';

type Hooks = Partial<Pick<InterfaceConfig, 'preUp' | 'postUp' | 'preDown' | 'postDown'>>;

const told = (running: Hooks, desired: Hooks): unknown => {
  const change = hookChange(aConfig(running), aConfig(desired));
  if (change === null) return 'restart';
  const line = ({ command, inverse }: { command: string; inverse: readonly string[] }): string =>
    [command, ...inverse].join(' / ');
  return { removed: change.removed.map(line), added: change.added.map(line) };
};

describe('case H1: a change of hooks', () => {
  test.each<{ name: string; running: Hooks; desired: Hooks; expected: unknown }>([
    {
      name: 'that is none runs nothing',
      running: { postUp: ['a'] },
      desired: { postUp: ['a'] },
      expected: { removed: [], added: [] },
    },
    {
      name: 'runs only the line that is new',
      running: { postUp: ['a', 'b'] },
      desired: { postUp: ['a', 'x', 'b'] },
      expected: { removed: [], added: ['x'] },
    },
    {
      name: 'knows what takes a new line back',
      running: {},
      desired: { postUp: ['a', 'b'], postDown: ['-a', '-b'] },
      expected: { removed: [], added: ['a / -a', 'b / -b'] },
    },
    {
      name: 'takes a line back that has its pair',
      running: { postUp: ['a', 'b'], preDown: ['-a', '-b'] },
      desired: { postUp: ['a'], preDown: ['-a'] },
      expected: { removed: ['b / -b'], added: [] },
    },
    {
      name: 'replaces one line by another',
      running: { postUp: ['a'], postDown: ['-a'] },
      desired: { postUp: ['b'], postDown: ['-b'] },
      expected: { removed: ['a / -a'], added: ['b / -b'] },
    },
    {
      name: 'is a restart where nothing takes a line back',
      running: { postUp: ['a', 'b'], postDown: ['-a -b'] },
      desired: { postUp: ['a'] },
      expected: 'restart',
    },
    {
      name: 'is a restart where lines change places',
      running: { postUp: ['a', 'b'] },
      desired: { postUp: ['b', 'a'] },
      expected: 'restart',
    },
    {
      name: 'knows one line of two that are the same',
      running: { postUp: ['a', 'a'], postDown: ['-a', '-a'] },
      desired: { postUp: ['a'], postDown: ['-a'] },
      expected: { removed: ['a / -a'], added: [] },
    },
    {
      name: 'that only joins the lines runs nothing',
      running: { postUp: ['a', 'b'] },
      desired: { postUp: ['a; b'] },
      expected: { removed: [], added: [] },
    },
    {
      name: 'takes a line of the grammar back that has no pair',
      running: { postUp: ['iptables -A INPUT -j ACCEPT', 'a'] },
      desired: { postUp: ['a'] },
      expected: { removed: ['iptables -A INPUT -j ACCEPT / iptables -w -D INPUT -j ACCEPT'], added: [] },
    },
    {
      name: 'is a restart where a line of the grammar has no inverse',
      running: { postUp: ['sysctl -w net.ipv4.ip_forward=1', 'a'] },
      desired: { postUp: ['a'] },
      expected: 'restart',
    },
    {
      name: 'leaves the commands of a changed line that stay alone',
      running: { postUp: ['iptables -A INPUT -j ACCEPT; ip rule add table 7'], preDown: ['x'] },
      desired: { postUp: ['iptables -A INPUT -j ACCEPT; ip rule add table 8'], preDown: ['y'] },
      expected: {
        removed: ['ip rule add table 7 / ip rule del table 7'],
        added: ['ip rule add table 8 / ip rule del table 8'],
      },
    },
    {
      name: 'that takes a line apart runs what is new',
      running: { postUp: ['iptables -A INPUT -j ACCEPT; ip rule add table 7'] },
      desired: { postUp: ['iptables -w -A INPUT -j ACCEPT', 'ip rule add table 7', 'ip rule add table 8'] },
      expected: { removed: [], added: ['ip rule add table 8 / ip rule del table 8'] },
    },
    {
      name: 'of both lists runs those before the start first',
      running: {},
      desired: { preUp: ['p'], postUp: ['q'] },
      expected: { removed: [], added: ['p', 'q'] },
    },
  ])('$name', ({ running, desired, expected }) => {
    expect(told(running, desired)).toEqual(expected);
  });
});

test('D4: lines that come to the teardown take a failed set-up back, whatever their position', () => {
  const change = hookChange(
    aConfig({ preDown: ['-a'] }),
    aConfig({ postUp: ['b', 'c', 'd'], preDown: ['-a', '-b'], postDown: ['-c'] }),
  );
  expect(change?.newTeardown).toEqual(['-b', '-c']);
});

test.each([
  {
    what: 'two rules of the firewall',
    was: 'iptables -A INPUT -j ACCEPT',
    is: 'iptables -A INPUT -j DROP',
    expected: true,
  },
  {
    what: 'the same rule at another place',
    was: 'iptables -A INPUT -j DROP',
    is: 'iptables -I INPUT -j DROP',
    expected: false,
  },
  {
    what: 'a rule and a route',
    was: 'iptables -A INPUT -j ACCEPT',
    is: 'ip route add default dev %i table 7',
    expected: false,
  },
  { what: 'lines of a shell', was: 'a', is: 'b', expected: false },
])('R7: what comes runs before what goes where both may be there at once: $what', ({ was, is, expected }) => {
  const pair = was === 'a' ? { preDown: ['true'] } : {};
  const change = hookChange(aConfig({ postUp: [was], ...pair }), aConfig({ postUp: [is], ...pair }));
  expect(change === null ? null : mayAddFirst(change)).toBe(expected);
});

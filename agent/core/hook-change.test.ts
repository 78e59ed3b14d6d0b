import { describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { hookChange } from './hook-change.ts';

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

import { expect, test } from '@jest/globals';
import { durationMs, parseArguments } from './arguments.ts';
import { completionsOf } from './completion.ts';

test('names are taken as kubectl takes them, wherever the flags stand', () => {
  const args = parseArguments([
    'status',
    '-n',
    'edge',
    'wgn/fra1-wg0',
    '--context=prod',
    'wireguardnodes.wgnode.dev/b',
  ]);
  expect([args.command, args.names]).toEqual(['status', ['fra1-wg0', 'b']]);
  expect([args.text('namespace'), args.text('context'), args.text('output')]).toEqual(['edge', 'prod', undefined]);
  expect([args.has('watch'), parseArguments(['get', '-wA']).has('all-namespaces')]).toEqual([false, true]);
});

test('a flag that is none, or lacks its value, is a wrong use, without a stack', () => {
  for (const argv of [
    ['get', '--bogus'],
    ['get', '-n'],
    ['get', '-q'],
  ])
    expect(() => parseArguments(argv)).toThrow(expect.objectContaining({ code: 'command', exitCode: 2 }));
});

test.each([
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['250ms', 250],
  ['7', 7_000],
])('--timeout %s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(['', '-1s', '5 m', '1d', '1e3', 'soon'])('--timeout %j is none', (text) => {
  expect(() => durationMs(text)).toThrow('30s');
});

test('completion gives commands first, then names, and never files', () => {
  const known = { commands: ['get', 'status', 'suspend'], names: ['fra1-wg0', 'fra2-wg0'] };
  expect(completionsOf(['s'], known)).toBe('status\nsuspend\n:4\n');
  expect(completionsOf(['status', 'fra1'], known)).toBe('fra1-wg0\n:4\n');
  expect(completionsOf([''], known)).toBe('get\nstatus\nsuspend\n:4\n');
});

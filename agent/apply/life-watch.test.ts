import { beforeEach, expect, test } from '@jest/globals';
import { LifeWatch } from './life-watch.ts';

let isReliable: boolean;
let tell: (line: string | null) => void;
let lives: LifeWatch;

beforeEach(() => {
  isReliable = true;
  const onChange = (listener: typeof tell): void => {
    tell = listener;
  };
  lives = new LifeWatch({ start: () => undefined, stop: () => undefined, isReliable: () => isReliable, onChange });
});

test.each<[string, readonly (string | null)[], boolean]>([
  ['nothing was told', [], true],
  ['its own device went', ['7: wg0: <POINTOPOINT,NOARP> mtu 1420', 'Deleted 7: wg0: <NOARP> mtu 1420'], true],
  ['another interface came', ['8: wg1: <NOARP> mtu 1420', '9: wg0@if7: x'.replace('wg0', 'wg00')], true],
  ['a route went', ['Deleted 10.9.0.0/16 dev wg0 scope link'], true],
  ['another device of its name came', ['8: wg0: <NOARP> mtu 1420'], false],
  ['an address of another device of its name came', ['8: wg0    inet 10.0.0.1/24 scope global wg0'], false],
  ['another device of its name went', ['Deleted 8: wg0: <NOARP> mtu 1420'], false],
  ['something may have been missed', [null], false],
])('where %s, that nobody else had it up is %s', (_, lines, expected) => {
  lives.ended('wg0', 7);
  lines.forEach((line) => {
    tell(line);
  });
  expect(lives.isUnbroken('wg0')).toBe(expected);
});

test('what we bring up ourselves is ours, and what is told of it later, too', async () => {
  lives.ended('wg0', 7);
  await lives.starting('wg0', () => {
    tell('8: wg0: <NOARP> mtu 1420');
    return Promise.resolve();
  });
  tell('Deleted 8: wg0: <NOARP> mtu 1420');
  expect(lives.isUnbroken('wg0')).toBe(true);
});

test('nothing is sure of what was not watched, at the end or now', () => {
  expect(lives.isUnbroken('wg0')).toBe(false);
  lives.ended('wg0', 7);
  isReliable = false;
  expect(lives.isUnbroken('wg0')).toBe(false);
  lives.ended('wg1', 7);
  isReliable = true;
  expect(lives.isUnbroken('wg1')).toBe(false);
});

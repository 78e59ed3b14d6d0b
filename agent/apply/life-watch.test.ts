import { beforeEach, expect, test } from '@jest/globals';
import { LifeWatch } from './life-watch.ts';

let tell: (line: string | null) => void;
let lives: LifeWatch;

beforeEach(() => {
  lives = new LifeWatch({
    onChange: (listener) => {
      tell = listener;
    },
  });
});

test.each<[string, readonly (string | null)[], boolean]>([
  ['nothing was told', [], false],
  ['its own device went', ['7: wg0: <POINTOPOINT,NOARP> mtu 1420', 'Deleted 7: wg0: <NOARP> mtu 1420'], false],
  ['another interface came', ['8: wg1: <NOARP> mtu 1420', '9: wg00@if7: x'], false],
  ['a route went', ['Deleted 10.9.0.0/16 dev wg0 scope link'], false],
  ['another device of its name came', ['8: wg0: <NOARP> mtu 1420'], true],
  ['an address of another device of its name came', ['8: wg0    inet 10.0.0.1/24 scope global wg0'], true],
  ['another device of its name went', ['Deleted 8: wg0: <NOARP> mtu 1420'], true],
  ['something may have been missed', [null, '8: wg0: <NOARP> mtu 1420'], false],
])('where %s, that somebody else was seen is %s', (_, lines, expected) => {
  lives.ended('wg0', 7);
  lines.forEach((line) => {
    tell(line);
  });
  expect(lives.hadOthers('wg0')).toBe(expected);
});

test('what we bring up ourselves is ours, whether it is told before or after we say so', () => {
  lives.ended('wg0', 7);
  tell('8: wg0: <NOARP> mtu 1420');
  lives.own('wg0', 8);
  tell('Deleted 8: wg0: <NOARP> mtu 1420');
  expect(lives.hadOthers('wg0')).toBe(false);
});

test('of what is forgotten nothing is proven until it ends again', () => {
  lives.ended('wg0', 7);
  lives.forget('wg0');
  tell('8: wg0: <NOARP> mtu 1420');
  expect(lives.hadOthers('wg0')).toBe(false);
});

test('each end begins anew', () => {
  lives.ended('wg0', 7);
  tell('8: wg0: <NOARP> mtu 1420');
  lives.ended('wg0', 8);
  expect(lives.hadOthers('wg0')).toBe(false);
});

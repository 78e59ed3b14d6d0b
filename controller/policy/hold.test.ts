import { describe, expect, test } from '@jest/globals';
import { inputOf } from '../../test/support/check-input.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { newPrivateKey } from '../../test/support/canary.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { RECONCILE_REQUEST, TAKE_OVER } from '../api/node.ts';
import { heldMsOf, wishOf } from './hold.ts';

const node = nodeWith();
const input = inputOf(node);
const hold = { wish: wishOf(input), untilMs: 10_000 };

describe('a change that failed is held back', () => {
  test('until its time, whatever wakes the object', () => {
    const touched = inputOf(
      nodeWith(({ metadata, status }) => {
        metadata.resourceVersion = '99';
        status.conditions = [];
      }),
    );
    expect(heldMsOf(hold, wishOf(touched), 4_000)).toBe(6_000);
  });

  test.each([10_000, 11_000])('and no longer (%d)', (nowMs) => {
    expect(heldMsOf(hold, wishOf(input), nowMs)).toBe(0);
  });

  test('for five minutes at most, though the clock was put back', () => {
    expect(heldMsOf(hold, wishOf(input), -86_400_000)).toBe(300_000);
  });

  const request = (name: string) =>
    inputOf(
      nodeWith(({ metadata }) => {
        metadata.annotations = { [name]: 'now' };
      }),
    );
  test.each([
    ['another spec', inputOf(nodeWith(({ metadata }) => (metadata.generation += 1)))],
    ['another key', { ...input, key: { kind: 'found', key: InterfaceKey.fromPrivate(new Secret(newPrivateKey())) } }],
    ['a request', request(RECONCILE_REQUEST)],
    ['a take-over', request(TAKE_OVER)],
  ] as const)('but not against %s', (_, other) => {
    expect(heldMsOf(hold, wishOf(other), 4_000)).toBe(0);
  });

  test('where none failed there is none', () => {
    expect(heldMsOf(undefined, hold.wish, 0)).toBe(0);
  });
});

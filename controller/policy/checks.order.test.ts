import { expect, test } from '@jest/globals';
import { found, inputWith, nothing, reasonOf } from '../../test/support/check-input.ts';
import type { RefusalReason } from '../api/conditions.ts';
import { check } from './checks.ts';
import type { Input } from './input.ts';

/** Wrongs in the order in which they are told: an object with several tells the first. */
const wrongs: readonly (readonly [RefusalReason, (input: Input) => Input])[] = [
  [
    'Unsupported',
    (input) => {
      Object.assign(input.node.spec.agent, { minSignature: 'v2' });
      return input;
    },
  ],
  [
    'InvalidSpec',
    (input) => {
      input.node.spec.agent.url = 'http://1.2.3.999';
      return input;
    },
  ],
  [
    'URLNotAllowed',
    (input) => {
      if (input.node.spec.agent.url.startsWith('https:')) input.node.spec.agent.url = 'http://fra1.example.net';
      return input;
    },
  ],
  ['SecretForbidden', (input) => ({ ...input, agentSecret: { kind: 'forbidden' } })],
  ['SecretNotFound', (input) => ({ ...input, key: { kind: 'missing' } })],
  [
    'InvalidSpec',
    (input) => {
      input.node.spec.interface.mtu = 1;
      return input;
    },
  ],
];

test.each(wrongs.map(([reason], index) => ({ reason, index })))(
  '$reason is told before what comes after it in the list',
  ({ reason, index }) => {
    const input = wrongs.slice(index).reduce((sofar, [, spoil]) => spoil(sofar), inputWith());
    expect(reasonOf(check(input))).toBe(reason);
  },
);

test('the credentials of the agent are judged before the private key', () => {
  const input = inputWith(nothing, { agentSecret: found({}), keySecret: found({ privateKey: 'bad' }) });
  expect(reasonOf(check(input))).toBe('InvalidCredentials');
});

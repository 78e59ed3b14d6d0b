import { describe, expect, test } from '@jest/globals';
import { format, inspect } from 'node:util';
import { Secret } from './secret.ts';

const VALUE = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';
const secret = new Secret(VALUE);

describe('a secret never shows its value', () => {
  test.each([
    { name: 'as a string', text: String(secret) },
    { name: 'in a template', text: `key: ${String(secret)}` },
    { name: 'joined with others', text: [secret, secret].join() },
    { name: 'in JSON', text: JSON.stringify(secret) },
    { name: 'in JSON of something that holds it', text: JSON.stringify({ deep: [{ secret }] }) },
    { name: 'when it is inspected', text: inspect(secret) },
    { name: 'when it is inspected with hidden parts', text: inspect({ secret }, { showHidden: true, depth: 9 }) },
    {
      name: 'when it is inspected without custom printing',
      text: inspect(secret, { customInspect: false, showHidden: true }),
    },
    { name: 'in every format', text: format('%s %o %O %j %d', secret, secret, secret, secret, secret) },
    { name: 'as a cause of an error', text: inspect(new Error('failed', { cause: secret })) },
    { name: 'spread into an object', text: JSON.stringify(Object.assign({}, secret)) },
    { name: 'as its own keys', text: Reflect.ownKeys(secret).map(String).join() },
    { name: 'as entries', text: JSON.stringify(Object.entries(secret)) },
    { name: 'when it is cloned', text: inspect(structuredClone(secret), { showHidden: true }) },
  ])('$name', ({ text }) => {
    expect(text).not.toContain(VALUE);
  });

  test.each([
    { name: 'as a string', text: String(secret) },
    { name: 'in JSON', text: String(JSON.parse(JSON.stringify(secret))) },
    { name: 'when it is inspected', text: inspect(secret) },
  ])('and says so $name', ({ text }) => {
    expect(text).toBe('[redacted]');
  });
});

test('reveal gives the value', () => {
  expect(secret.reveal()).toBe(VALUE);
});

test('two boxes of one value are equal, of two values not', () => {
  expect([secret.equals(new Secret(VALUE)), secret.equals(new Secret('other'))]).toEqual([true, false]);
});

import { expect, test } from '@jest/globals';
import { findLeaks, newPrivateKey, newSecretText } from './canary.ts';

const leaksIn = (text: string): string[] => findLeaks([{ name: 'agent.log', text: `before ${text} after` }]);
const hexOf = (key: string): string => Buffer.from(key, 'base64').toString('hex');

test('a private key is 32 bytes of base64 and never the same twice', () => {
  const key = newPrivateKey();
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(newPrivateKey()).not.toBe(key);
});

test('a secret is 64 hex digits', () => {
  expect(newSecretText()).toMatch(/^[0-9a-f]{64}$/);
});

const forms: readonly [string, string, (key: string) => string][] = [
  ['raw', 'as it is', (key) => key],
  ['base64', 'as a Kubernetes Secret holds it', (key) => Buffer.from(key).toString('base64')],
  ['base64', 'as a Kubernetes Secret holds it with a line feed', (key) => Buffer.from(`${key}\n`).toString('base64')],
  ['hex', 'as the UAPI writes it', hexOf],
  ['hex', 'as hex in capitals', (key) => hexOf(key).toUpperCase()],
  ['url-encoded', 'in a query string', encodeURIComponent],
];

test.each(forms)('finds a private key in form %s: %s', (form, _how, write) => {
  expect(leaksIn(write(newPrivateKey()))).toContainEqual(
    expect.stringMatching(new RegExp(`^agent.log contains private key \\d+ \\(${form}\\)$`)),
  );
});

test('finds a secret raw, in base64 and as hex of its text', () => {
  const secret = newSecretText();
  expect(leaksIn(secret)).toHaveLength(1);
  expect(leaksIn(Buffer.from(secret).toString('base64'))).not.toEqual([]);
  expect(leaksIn(Buffer.from(secret).toString('hex'))).toHaveLength(1);
});

test('names the text it was found in and never the value', () => {
  const key = newPrivateKey();
  const leaks = findLeaks([
    { name: 'clean', text: 'nothing' },
    { name: 'dirty', text: key },
  ]);
  expect(leaks).toHaveLength(1);
  expect(leaks[0]).toMatch(/^dirty contains/);
  expect(leaks[0]).not.toContain(key);
});

test('finds nothing in a text with other keys', () => {
  expect(leaksIn(Buffer.alloc(32, 7).toString('base64'))).toEqual([]);
});

import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { isPlaceholder } from './placeholder-secret.ts';

test.each([
  ...['changeme', 'changemechangeme', 'change-me-in-production', 'ChangeMe1234567890', 'please-change_me-now'],
  ...[
    'secret',
    'secretsecretsecret',
    'my-very-secret-key',
    'your-secret-here',
    'YOUR_HMAC_KEY_HERE',
    'supersecretpassword',
  ],
  ...['x'.repeat(32), '0'.repeat(64), '1234123412341234', 'abababababababab', '<output of openssl rand -hex 32>'],
  ...['replace-me-with-a-key', 'example-hmac-key-123', 'PLACEHOLDER_PLACEHOLDER'],
])('%s is a placeholder', (text) => {
  expect(isPlaceholder(text)).toBe(true);
});

test.each([
  'correct horse battery staple',
  'c0ffee00c0ffee00c0ffee00c0ffee00',
  'the secret of my garden gate',
  '0123456789abcdef',
])('%s is none', (text) => {
  expect(isPlaceholder(text)).toBe(false);
});

test('no random key is one', () => {
  for (let round = 0; round < 1000; round += 1)
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(isPlaceholder(randomBytes(32).toString(encoding))).toBe(false);
});

import { expect, test } from '@jest/globals';
import { mayBeAsked } from './ask-agents.ts';

test.each([
  ['https://203.0.113.10:8443', true],
  ['http://127.0.0.1:8080', true],
  ['http://localhost:8080', true],
  ['http://[::1]:8080', true],
  ['http://203.0.113.10:8080', false],
  ['http://127.0.0.1.example.net:8080', false],
  ['http://localhost.example.net', false],
  ['ftp://127.0.0.1', false],
  ['127.0.0.1:8443', false],
])('--agent-url %s may be asked: %s', (url, isTaken) => {
  expect(mayBeAsked(url)).toBe(isTaken);
});

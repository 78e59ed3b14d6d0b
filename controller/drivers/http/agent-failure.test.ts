import { describe, expect, test } from '@jest/globals';
import type { UnreachableReason } from '../../api/conditions.ts';
import { AgentUnreachable, isReset, unreachable } from './agent-failure.ts';

const ORIGIN = 'https://fra1.example.net:8443';
const errorWith = (code: string): Error => Object.assign(new Error('text of the operating system'), { code });

const REASONS: readonly (readonly [code: string, reason: UnreachableReason])[] = [
  ['ENOTFOUND', 'DNSFailed'],
  ['EAI_AGAIN', 'DNSFailed'],
  ['ENODATA', 'DNSFailed'],
  ['ESERVFAIL', 'DNSFailed'],
  ['ECONNREFUSED', 'ConnectionRefused'],
  ['ECONNRESET', 'ConnectionRefused'],
  ['EPIPE', 'ConnectionRefused'],
  ['UND_ERR_SOCKET', 'ConnectionRefused'],
  ['ETIMEDOUT', 'ConnectionTimeout'],
  ['EHOSTUNREACH', 'ConnectionTimeout'],
  ['ENETUNREACH', 'ConnectionTimeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'ConnectionTimeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'ConnectionTimeout'],
  ['UND_ERR_BODY_TIMEOUT', 'ConnectionTimeout'],
  ['UND_ERR_ABORTED', 'ConnectionTimeout'],
  ['ABORT_ERR', 'ConnectionTimeout'],
  ['CERT_HAS_EXPIRED', 'TLSFailed'],
  ['CERT_NOT_YET_VALID', 'TLSFailed'],
  ['CERT_REVOKED', 'TLSFailed'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLSFailed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'TLSFailed'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLSFailed'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'TLSFailed'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLSFailed'],
  ['HOSTNAME_MISMATCH', 'TLSFailed'],
  ['INVALID_CA', 'TLSFailed'],
  ['INVALID_PURPOSE', 'TLSFailed'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLSFailed'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSFailed'],
  ['EPROTO', 'TLSFailed'],
];

describe('A1: the reason of a transport error', () => {
  test.each(REASONS)('%s is %s', (code, reason) => {
    expect(unreachable(errorWith(code), ORIGIN)).toMatchObject({ code: 'agent_unreachable', reason });
  });

  test.each(['TimeoutError', 'AbortError'])('a %s of an AbortSignal is ConnectionTimeout', (name) => {
    expect(unreachable(new DOMException('text', name), ORIGIN).reason).toBe('ConnectionTimeout');
  });

  test('an error that nobody knows is retried', () => {
    expect(unreachable(errorWith('EWHATEVER'), ORIGIN).reason).toBe('ConnectionRefused');
    expect(unreachable(new Error('no code'), ORIGIN).reason).toBe('ConnectionRefused');
  });

  test.each(['ERR_OSSL_PEM_NO_START_LINE', 'ERR_OSSL_ASN1_WRONG_TAG', 'ERR_OSSL_UNSUPPORTED'])(
    'S5: %s, as of a certificate in a Secret that is none, needs a human',
    (code) => {
      expect(unreachable(errorWith(code), ORIGIN).reason).toBe('TLSFailed');
    },
  );

  test('an error that has its reason keeps it', () => {
    const known = new AgentUnreachable('ProtocolError', 'no JSON');
    expect(unreachable(known, ORIGIN)).toBe(known);
  });
});

describe('the message', () => {
  test.each(REASONS)('of %s names the agent and repeats no foreign text', (code) => {
    const { message } = unreachable(errorWith(code), ORIGIN);
    expect(message).toContain(ORIGIN);
    expect(message).not.toContain('operating system');
  });

  test('leaves the foreign error to the logs, as its cause', () => {
    const cause = errorWith('EPIPE');
    expect(unreachable(cause, ORIGIN).cause).toBe(cause);
  });
});

test.each([
  ['ECONNRESET', true],
  ['EPIPE', true],
  ['UND_ERR_SOCKET', true],
  ['ECONNREFUSED', false],
  ['ETIMEDOUT', false],
  ['CERT_HAS_EXPIRED', false],
])('a connection that broke (%s) may be tried again at once: %s', (code, expected) => {
  expect(isReset(errorWith(code))).toBe(expected);
});

import { describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { Secret } from './secret.ts';
import { headersV1, signedPath, signV1, type VerifyInput, verifyV1 } from './signature-v1.ts';

const SECRET = 'example-secret';
const TIME = '1700000000';
const hmac = (text: string): string => createHmac('sha256', SECRET).update(text).digest('hex');

/** What comes of a request that a client signed as `canonical`, a second after it was sent. */
function outcomeOf(part: Partial<VerifyInput>, canonical = `GET|/v1/status||${TIME}`): string {
  const verification = verifyV1({
    method: 'GET',
    target: '/v1/status',
    body: Buffer.alloc(0),
    timestamp: TIME,
    signature: hmac(canonical),
    secrets: [new Secret(SECRET)],
    nowMs: 1_700_000_001_000,
    maxAgeSeconds: 300,
    ...part,
  });
  return verification.ok ? 'ok' : verification.code;
}

describe('the test vectors of the old agent', () => {
  const target = '/v1/wg/wg0/peers/xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';
  const body = '{"allowed_ips": ["10.0.0.2/32"]}';

  test.each([
    {
      name: 'a GET without body',
      request: { method: 'GET', target: '/v1/wg/wg0/config', body: '' },
      expected: '6d153403523a519f1e8b18559a95e79ec020fdf66746947d81d88ac711236fa3',
    },
    {
      name: 'a PUT with a key in its path',
      request: { method: 'PUT', target, body },
      expected: '86afd47d3d0cdf5689cb5bc63bc6b386b9302245751e4cd0486c4de854bee70f',
    },
    {
      name: 'the same PUT with its path encoded',
      request: { method: 'PUT', target: target.replace('=', '%3D'), body },
      expected: '86afd47d3d0cdf5689cb5bc63bc6b386b9302245751e4cd0486c4de854bee70f',
    },
  ])('$name', ({ request, expected }) => {
    const bytes = Buffer.from(request.body);
    expect(signV1({ ...request, body: bytes, timestamp: TIME }, new Secret(SECRET))).toBe(expected);
    expect(outcomeOf({ ...request, body: bytes, signature: expected })).toBe('ok');
  });
});

describe('the path that is signed', () => {
  test.each([
    { name: 'stays as it is', target: '/v1/wg/wg0/config', path: '/v1/wg/wg0/config' },
    { name: 'ends at the query', target: '/v1/status?a=/b?c', path: '/v1/status' },
    { name: 'keeps + / and =', target: '/v1/wg/wg0/peers/a+b/c=', path: '/v1/wg/wg0/peers/a+b/c=' },
    { name: 'decodes + / and =', target: '/v1/wg/wg0/peers/a%2Bb%2fc%3D', path: '/v1/wg/wg0/peers/a+b/c=' },
    { name: 'decodes a question mark, which then is no query', target: '/a%3Fb?c', path: '/a?b' },
    { name: 'is decoded once', target: '/%2541', path: '/%41' },
    { name: 'decodes UTF-8', target: '/%C3%A9%E2%82%AC', path: '/é€' },
    { name: 'decodes a space', target: '/a%20b', path: '/a b' },
    { name: 'keeps a lone percent sign', target: '/100%', path: '/100%' },
    { name: 'keeps a broken sequence', target: '/%zz%4', path: '/%zz%4' },
    { name: 'marks bytes that are no UTF-8', target: '/%ff%41', path: '/\ufffdA' },
    { name: 'may be empty', target: '', path: '' },
  ])('$name', ({ target, path }) => {
    expect(signedPath(target)).toBe(path);
  });

  test.each(['/%', '/%%', '/%e', '/%C3', '/%C3%', '/%80%80', '/%00', '/?%'])(
    'a request for %j is judged and does not throw',
    (target) => {
      expect(outcomeOf({ target, signature: '0'.repeat(64) })).toBe('invalid_signature');
      expect(outcomeOf({ target }, `GET|${signedPath(target)}||${TIME}`)).toBe('ok');
    },
  );
});

describe('the signature', () => {
  test('covers method, path, body and time', () => {
    expect(outcomeOf({ method: 'POST' })).toBe('invalid_signature');
    expect(outcomeOf({ target: '/v1/statu' })).toBe('invalid_signature');
    expect(outcomeOf({ body: Buffer.from(' ') })).toBe('invalid_signature');
    expect(outcomeOf({ timestamp: '1700000001' })).toBe('invalid_signature');
  });

  test('does not cover the query', () => {
    expect(outcomeOf({ target: '/v1/status?any=thing' })).toBe('ok');
  });

  test('is refused with any single bit flipped', () => {
    const bytes = Buffer.from(hmac(`GET|/v1/status||${TIME}`));
    const outcomes = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return outcomeOf({ signature: flipped.toString('latin1') });
    });
    expect(new Set(outcomes)).toEqual(new Set(['invalid_signature']));
  });

  test.each([
    { name: 'in upper-case hex', signature: hmac(`GET|/v1/status||${TIME}`).toUpperCase() },
    { name: 'that is not ASCII', signature: 'é'.repeat(32) },
    { name: 'of 64 characters that are not ASCII', signature: 'é'.repeat(64) },
    { name: 'that is too short', signature: hmac(`GET|/v1/status||${TIME}`).slice(0, 63) },
    { name: 'that is too long', signature: `${hmac(`GET|/v1/status||${TIME}`)}0` },
    { name: 'with a space behind it', signature: `${hmac(`GET|/v1/status||${TIME}`)} ` },
    {
      name: 'of another secret',
      signature: createHmac('sha256', 'other').update(`GET|/v1/status||${TIME}`).digest('hex'),
    },
  ])('$name is refused', ({ signature }) => {
    expect(outcomeOf({ signature })).toBe('invalid_signature');
  });

  test('counts over the raw bytes of a body', () => {
    const body = Buffer.from('{"a": "\\u00e9", "b":  1}');
    expect(outcomeOf({ method: 'PUT', body }, `PUT|/v1/status|${body.toString()}|${TIME}`)).toBe('ok');
  });

  test('of a second secret is accepted', () => {
    const secrets = [new Secret('the previous one'), new Secret(SECRET)];
    expect(outcomeOf({ secrets })).toBe('ok');
    expect(outcomeOf({ secrets: [...secrets].reverse() })).toBe('ok');
  });

  test('is refused when there is no secret at all', () => {
    expect(outcomeOf({ secrets: [] })).toBe('invalid_signature');
  });
});

describe('a body of {}', () => {
  const put = { method: 'PUT', body: Buffer.from('{}') };

  test('may be signed as empty, as old clients do', () => {
    expect(outcomeOf(put, `PUT|/v1/status||${TIME}`)).toBe('ok');
  });

  test('may be signed as it is', () => {
    expect(outcomeOf(put, `PUT|/v1/status|{}|${TIME}`)).toBe('ok');
  });

  test.each(['{ }', '{}\n', '[]', '{"a":1}'])('is the only one: %j must be signed as it is', (text) => {
    expect(outcomeOf({ method: 'PUT', body: Buffer.from(text) }, `PUT|/v1/status||${TIME}`)).toBe('invalid_signature');
  });

  test('is not what an empty body may be signed as', () => {
    expect(outcomeOf({ method: 'PUT' }, `PUT|/v1/status|{}|${TIME}`)).toBe('invalid_signature');
  });
});

describe('the timestamp', () => {
  test.each([
    { timestamp: '+1700000000', verification: 'ok' },
    { timestamp: '1_700_000_000', verification: 'ok' },
    { timestamp: '01700000000', verification: 'ok' },
    { timestamp: '1.5', verification: 'invalid_timestamp' },
    { timestamp: '1700000000.0', verification: 'invalid_timestamp' },
    { timestamp: '1__700_000_000', verification: 'invalid_timestamp' },
    { timestamp: '_1700000000', verification: 'invalid_timestamp' },
    { timestamp: '1700000000_', verification: 'invalid_timestamp' },
    { timestamp: '1.7e9', verification: 'invalid_timestamp' },
    { timestamp: '0x6553f100', verification: 'invalid_timestamp' },
    { timestamp: 'now', verification: 'invalid_timestamp' },
    { timestamp: '1700000000\n', verification: 'invalid_timestamp' },
    { timestamp: 'NaN', verification: 'invalid_timestamp' },
    { timestamp: '9'.repeat(30), verification: 'clock_skew' },
    { timestamp: '-1700000000', verification: 'clock_skew' },
    { timestamp: '0', verification: 'clock_skew' },
    { timestamp: '', verification: 'missing_signature' },
  ])('$timestamp gives $verification', ({ timestamp, verification }) => {
    expect(outcomeOf({ timestamp }, `GET|/v1/status||${timestamp}`)).toBe(verification);
  });

  test.each([
    { name: '300 s old', nowMs: 1_700_000_300_000, verification: 'ok' },
    { name: '300.999 s old', nowMs: 1_700_000_300_999, verification: 'ok' },
    { name: '301 s old', nowMs: 1_700_000_301_000, verification: 'clock_skew' },
    { name: '300 s ahead', nowMs: 1_699_999_700_000, verification: 'ok' },
    { name: '301 s ahead', nowMs: 1_699_999_699_000, verification: 'clock_skew' },
  ])('of a request that is $name gives $verification', ({ nowMs, verification }) => {
    expect(outcomeOf({ nowMs })).toBe(verification);
  });
});

describe('the order of the checks and their texts', () => {
  const old = { timestamp: '1', signature: 'bad' };

  test.each<{ name: string; part: Partial<VerifyInput>; error: string }>([
    {
      name: 'no signature',
      part: { signature: undefined, timestamp: 'x' },
      error: 'Missing X-Signature or X-Timestamp header',
    },
    {
      name: 'an empty signature',
      part: { signature: '', timestamp: 'x' },
      error: 'Missing X-Signature or X-Timestamp header',
    },
    { name: 'no timestamp', part: { timestamp: undefined }, error: 'Missing X-Signature or X-Timestamp header' },
    { name: 'a timestamp that is no integer', part: { ...old, timestamp: 'x' }, error: 'Invalid timestamp' },
    { name: 'an old timestamp', part: old, error: 'Request timestamp too old' },
    { name: 'a bad signature', part: { signature: 'bad' }, error: 'Invalid signature' },
  ])('$name', ({ part, error }) => {
    const verification = verifyV1({
      method: 'GET',
      target: '/',
      body: Buffer.alloc(0),
      timestamp: TIME,
      signature: 'x',
      secrets: [new Secret(SECRET)],
      nowMs: 1_700_000_000_000,
      maxAgeSeconds: 300,
      ...part,
    });
    expect(verification).toMatchObject({ ok: false, error });
  });
});

test('the headers of a request are accepted by the other side', () => {
  const request = { method: 'PUT', target: '/v1/wg/wg0/config', body: Buffer.from('{"private_key":"x"}') };
  const headers = headersV1(request, new Secret(SECRET), 1_700_000_000_999);
  expect(headers['x-timestamp']).toBe(TIME);
  expect(outcomeOf({ ...request, timestamp: headers['x-timestamp'], signature: headers['x-signature'] })).toBe('ok');
});

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret } from '../../agent/protocol/secret.ts';
import { signV1 } from '../../agent/protocol/signature-v1.ts';
import { newPrivateKey, newSecretText } from '../support/canary.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { rawBytes, type RawReply, sendRaw } from './support/raw-http.ts';
import { newName, startAgent, type TestAgent } from './support/test-agent.ts';

const leaks = createLeakWatch();
let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ leaks });
});
afterAll(async () => {
  await agent.close();
  leaks.expectNone();
});

interface Sent {
  readonly method?: string;
  readonly target?: string;
  readonly body?: Uint8Array | string;
  readonly timestamp?: string;
  /** What is signed where it is not what is sent. */
  readonly signed?: { readonly method?: string; readonly target?: string; readonly body?: Uint8Array | string };
  readonly signature?: string;
  readonly secret?: Secret;
  readonly contentType?: string;
}

/** One request on a connection of its own, byte for byte as it is written here. */
async function send(sent: Sent): Promise<RawReply> {
  const { method = 'GET', target = '/v1/status', body = '', contentType, signed = {} } = sent;
  const timestamp = sent.timestamp ?? String(agent.nextSecond());
  const signature =
    sent.signature ??
    signV1(
      {
        method: signed.method ?? method,
        target: signed.target ?? target,
        body: Buffer.from((signed.body ?? body) as string),
        timestamp,
      },
      sent.secret ?? agent.secrets[0],
    );
  const length = Buffer.from(body).length;
  const headers: [string, string][] = [
    ['Host', 'agent'],
    ['Connection', 'close'],
    ['X-Timestamp', timestamp],
    ['X-Signature', signature],
    ...(contentType === undefined ? [] : ([['Content-Type', contentType]] as [string, string][])),
    ...(length === 0 ? [] : ([['Content-Length', String(length)]] as [string, string][])),
  ];
  const [reply] = await sendRaw(agent.port, rawBytes({ method, target, headers, body }));
  if (reply === undefined) throw new Error('The agent closed the connection without an answer');
  leaks.add(`${method} ${target}`, reply.body);
  return reply;
}

const refusal = (error: string, code: string): object => ({ error, code, details: [] });
const MISSING = refusal('Missing X-Signature or X-Timestamp header', 'missing_signature');
const NO_TIMESTAMP = refusal('Invalid timestamp', 'invalid_timestamp');
const TOO_OLD = refusal('Request timestamp too old', 'clock_skew');
const INVALID = refusal('Invalid signature', 'invalid_signature');

const expectRefused = ({ status, headers, body }: RawReply, response: object): void => {
  expect(status).toBe(401);
  expect(headers.get('content-type')).toMatch(/^application\/json(; charset=utf-8)?$/);
  expect(JSON.parse(body)).toEqual(response);
};

const shifted = (seconds: number): string => String(agent.nextSecond() + seconds);

describe('each check, in order, with its own text', () => {
  const hex = 'a'.repeat(64);
  test.each([
    { name: 'neither header', headers: {}, response: MISSING },
    { name: 'no signature', headers: { 'x-timestamp': '1700000000' }, response: MISSING },
    { name: 'no timestamp', headers: { 'x-signature': hex }, response: MISSING },
    { name: 'an empty signature', headers: { 'x-timestamp': '1700000000', 'x-signature': '' }, response: MISSING },
    { name: 'an empty timestamp', headers: { 'x-timestamp': '', 'x-signature': hex }, response: MISSING },
    { name: 'missing goes before invalid', headers: { 'x-timestamp': 'soon' }, response: MISSING },
    { name: 'a word', headers: { 'x-timestamp': 'soon', 'x-signature': hex }, response: NO_TIMESTAMP },
    { name: 'a float', headers: { 'x-timestamp': '1700000000.0', 'x-signature': hex }, response: NO_TIMESTAMP },
    { name: 'an exponent', headers: { 'x-timestamp': '1.7e9', 'x-signature': hex }, response: NO_TIMESTAMP },
    { name: 'hexadecimal', headers: { 'x-timestamp': '0x6553f100', 'x-signature': hex }, response: NO_TIMESTAMP },
    { name: 'two underscores', headers: { 'x-timestamp': '1700__000000', 'x-signature': hex }, response: NO_TIMESTAMP },
    { name: 'an age before the signature', headers: { 'x-timestamp': '0', 'x-signature': hex }, response: TOO_OLD },
    { name: 'a negative time', headers: { 'x-timestamp': '-1700000000', 'x-signature': hex }, response: TOO_OLD },
  ])('$name is refused', async ({ headers, response }) => {
    const reply = await agent.callUnsigned({
      method: 'GET',
      path: '/v1/status',
      headers: headers,
    });
    expect(reply.status).toBe(401);
    expect(reply.json).toEqual(response);
  });

  test('a signature that differs comes last', async () => {
    expectRefused(await send({ signature: hex }), INVALID);
  });
});

describe('the timestamp', () => {
  test.each([
    { name: '300 s in the past', seconds: -300, status: 200 },
    { name: '300 s in the future', seconds: 300, status: 200 },
  ])('$name passes', async ({ seconds, status }) => {
    expect((await send({ timestamp: shifted(seconds) })).status).toBe(status);
  });

  test.each([{ seconds: -301 }, { seconds: 301 }])('$seconds s away is refused though it is signed', async (row) => {
    expectRefused(await send({ timestamp: shifted(row.seconds) }), TOO_OLD);
  });

  test('a sign and single underscores are an integer, and the text is signed as it was sent', async () => {
    const now = String(agent.nextSecond());
    expect((await send({ timestamp: `+${now}` })).status).toBe(200);
    const grouped = now.replace(/^(\d)(\d{3})(\d{3})(\d{3})$/, '$1_$2_$3_$4');
    expect(grouped).toContain('_');
    expect((await send({ timestamp: grouped })).status).toBe(200);
  });

  test('white space around it is not part of what a server sees', async () => {
    const spaced = ` ${String(agent.nextSecond())}`;
    expectRefused(await send({ timestamp: spaced }), INVALID);
  });
});

describe('the signature', () => {
  test('the right one opens', async () => {
    expect((await send({})).status).toBe(200);
  });

  test('that of the second secret opens too, so that a key can be changed without a gap', async () => {
    expect((await send({ secret: agent.secrets[1] })).status).toBe(200);
  });

  test('that of another secret does not', async () => {
    expectRefused(await send({ secret: new Secret(newSecretText()) }), INVALID);
  });

  test.each([
    { name: 'the right digest in upper case', change: (hex: string) => hex.toUpperCase() },
    { name: 'a digest cut short', change: (hex: string) => hex.slice(0, 63) },
    { name: 'a digest with more behind it', change: (hex: string) => `${hex}0` },
    { name: 'the digest twice', change: (hex: string) => `${hex}, ${hex}` },
    { name: 'text of 64 bytes that is not ASCII', change: () => 'é'.repeat(64) },
    { name: 'one character that is not ASCII', change: () => '\xff' },
  ])('$name is refused', async ({ change }) => {
    const timestamp = String(agent.nextSecond());
    const right = signV1({ method: 'GET', target: '/v1/status', body: Buffer.alloc(0), timestamp }, agent.secrets[0]);
    const signature = change(right);
    // Upper case of a digest without letters would be the digest itself.
    expect(signature).not.toBe(right);
    expectRefused(await send({ timestamp, signature }), INVALID);
  });

  test.each([
    { name: 'another method', signed: { method: 'POST' } },
    { name: 'a method in lower case', signed: { method: 'get' } },
    { name: 'another path', signed: { target: '/v1/metrics' } },
    { name: 'a body that was not sent', signed: { body: 'x' } },
  ])('one over $name is refused', async ({ signed }) => {
    expectRefused(await send({ signed }), INVALID);
  });
});

describe('the signed path', () => {
  test('is the decoded one', async () => {
    const name = newName();
    const reply = await send({ target: `/v1/wg/%63${name.slice(1)}/dump`, signed: { target: `/v1/wg/${name}/dump` } });
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'not_found' });
  });

  test.each([
    { name: '+ / and = raw', target: '/v1/wg/wg0/peers/a+b/c=', path: '/v1/wg/wg0/peers/a+b/c=', status: 405 },
    { name: '= as %3D', target: '/v1/wg/wg0/peers/abc%3D', path: '/v1/wg/wg0/peers/abc=', status: 405 },
    { name: '/ as %2F', target: '/v1/wg/wg0/peers/a%2Fb', path: '/v1/wg/wg0/peers/a/b', status: 405 },
    { name: 'letters beyond ASCII', target: '/v1/wg/%C3%A9/nowhere', path: '/v1/wg/é/nowhere', status: 404 },
  ])('may hold $name', async ({ target, path, status }) => {
    // No such GET route, so an accepted signature shows as one of these.
    const timestamp = String(agent.nextSecond());
    const text = `GET|${path}||${timestamp}`;
    const signature = createHmac('sha256', agent.secrets[0].reveal()).update(text).digest('hex');
    expect((await send({ target, timestamp, signature })).status).toBe(status);
  });

  test('+ is no space', async () => {
    expectRefused(await send({ target: '/v1/a+b', signed: { target: '/v1/a b' } }), INVALID);
  });

  test('has no query string: it is neither signed nor read', async () => {
    expect((await send({ target: '/v1/status?a=b', signed: { target: '/v1/status' } })).status).toBe(200);
    const timestamp = String(agent.nextSecond());
    const signature = createHmac('sha256', agent.secrets[0].reveal())
      .update(`GET|/v1/status?a=b||${timestamp}`)
      .digest('hex');
    expectRefused(await send({ target: '/v1/status?a=b', timestamp, signature }), INVALID);
  });
});

describe('the signed body', () => {
  const put = (body: Uint8Array | string, more: Sent = {}): Promise<RawReply> =>
    send({ method: 'PUT', target: '/v1/wg/all/config', body, contentType: 'application/json', ...more });

  test('is the bytes as they were sent', async () => {
    // `all` is no name, so an accepted signature shows as 400.
    expect((await put('{ "a" :  1 }')).status).toBe(400);
    expectRefused(await put('{ "a" :  1 }', { signed: { body: '{"a":1}' } }), INVALID);
  });

  test('is the empty text when there is none', async () => {
    expect((await send({ method: 'POST', target: '/v1/wg/all/enable' })).status).toBe(400);
  });

  test('of exactly {} may be signed as empty, as old clients do', async () => {
    const target = '/v1/wg/all/enable';
    expect((await send({ method: 'POST', target, body: '{}', signed: { body: '' } })).status).toBe(400);
    expect((await send({ method: 'POST', target, body: '{}' })).status).toBe(400);
    expectRefused(await send({ method: 'POST', target, body: '{ }', signed: { body: '' } }), INVALID);
    expectRefused(await send({ method: 'POST', target, body: '', signed: { body: '{}' } }), INVALID);
  });

  test.each([{ contentType: undefined }, { contentType: 'text/plain' }, { contentType: 'application/octet-stream' }])(
    'of content type $contentType is judged like any other',
    async ({ contentType }) => {
      const target = '/v1/wg/all/config';
      const sent = { method: 'PUT', target, body: '{"a": 1}', ...(contentType === undefined ? {} : { contentType }) };
      expect((await send(sent)).status).toBe(400);
      expectRefused(await send({ ...sent, signed: { body: 'x' } }), INVALID);
    },
  );

  describe('that is not UTF-8', () => {
    const name = newName();
    const bytes = Buffer.concat([
      Buffer.from(`{"private_key":"${newPrivateKey()}","post_up":"echo `),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    test.each([
      { what: 'its text with replacement characters', signed: bytes.toString('utf8') },
      { what: 'its very bytes', signed: bytes },
    ])('is refused, signed over $what, because scheme v1 signs text', async ({ signed }) => {
      expectRefused(await put(bytes, { target: `/v1/wg/${name}/config`, signed: { body: signed } }), INVALID);
      expect(await agent.fingerprint()).toEqual([]);
    });
  });
});

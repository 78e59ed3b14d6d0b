import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { signV1 } from '../../agent/protocol/signature-v1.ts';
import { newPrivateKey } from '../support/canary.ts';
import { until } from '../support/until.ts';
import { rawBytes, type RawReply, sendRaw } from './support/raw-http.ts';
import { type AgentRequest, newName } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const key = newPrivateKey();
const agent = useTestAgent();

const putOf = (name: string, body: object): AgentRequest => ({
  method: 'PUT',
  path: `/v1/wg/${name}/config`,
  body: { private_key: key, ...body },
  timestamp: String(agent.nextSecond()),
});

describe('a repeat of a signed change has the first answer and no second effect', () => {
  test('though the world has moved on', async () => {
    const name = newName();
    const request = putOf(name, { mtu: 1400 });
    const first = await agent.call(request);
    expect(first.json).toMatchObject({ changed: true });
    await agent.call(putOf(name, { mtu: 1380 }));
    const before = await agent.fingerprint();
    const replay = await agent.call(request);
    expect([replay.status, replay.text]).toEqual([200, first.text]);
    expect(await agent.fingerprint()).toEqual(before);
  });

  test('a deleted interface does not come back', async () => {
    const name = newName();
    const request = putOf(name, {});
    await agent.call(request);
    await agent.call({ method: 'DELETE', path: `/v1/wg/${name}` });
    expect((await agent.call(request)).status).toBe(200);
    expect((await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).status).toBe(404);
  });

  test('a query string makes it no other request', async () => {
    const name = newName();
    const request = putOf(name, {});
    const first = await agent.call(request);
    await agent.call({ method: 'DELETE', path: `/v1/wg/${name}` });
    const body = JSON.stringify(request.body);
    const timestamp = request.timestamp ?? '';
    const signature = signV1(
      { method: 'PUT', target: request.path, body: Buffer.from(body), timestamp },
      agent.secrets[0],
    );
    const headers = { 'content-type': 'application/json', 'x-timestamp': timestamp, 'x-signature': signature };
    const replay = await agent.callUnsigned({ method: 'PUT', path: `${request.path}?again`, body, headers });
    expect([replay.status, replay.text]).toEqual([200, first.text]);
    expect((await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).status).toBe(404);
  });

  test('a request_id makes equal wishes of one second different requests', async () => {
    const name = newName();
    const timestamp = String(agent.nextSecond());
    const put = (request_id: string): AgentRequest => ({ ...putOf(name, { options: { request_id } }), timestamp });
    expect((await agent.call(put('a'))).json).toMatchObject({ changed: true });
    expect((await agent.call(put('b'))).json).toMatchObject({ changed: false });
  });

  test('a read is answered anew', async () => {
    const name = newName();
    const request = { method: 'GET', path: `/v1/wg/${name}/config`, timestamp: String(agent.nextSecond()) };
    expect((await agent.call(request)).status).toBe(404);
    await agent.write(name, '[Interface]\n');
    expect((await agent.call(request)).status).toBe(200);
  });
});

describe('several calls at once', () => {
  test('equal ones all succeed, and write once', async () => {
    const name = newName();
    const request = putOf(name, { post_up: 'echo a' });
    const bashes = agent.host.runner.spawned.get('bash') ?? 0;
    const replies = await Promise.all(Array.from({ length: 8 }, () => agent.call(request)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(replies.filter(({ json }) => json['changed'] === true)).toHaveLength(1);
    expect(agent.host.runner.spawned.get('bash')).toBe(bashes + 1);
  });

  test('different ones run one after the other, each on what the one before left', async () => {
    const name = newName();
    const sizes = Array.from({ length: 20 }, (_, index) => 1300 + index);
    const replies = await Promise.all(sizes.map((mtu) => agent.call(putOf(name, { mtu }))));
    expect(replies.map(({ status }) => status)).toEqual(sizes.map(() => 200));
    const digests = replies.map(({ json }) => json['digest']);
    expect(new Set(digests).size).toBe(sizes.length);
    const { headers, json } = await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(digests.map((digest) => `"${String(digest)}"`)).toContain(headers['etag']);
    expect(sizes).toContain((json['spec'] as { mtu: number }).mtu);
  });

  test('pipelined ones on one connection are answered in order', async () => {
    const [path, timestamp] = [`/v1/wg/${newName()}/disable`, String(agent.nextSecond())];
    const request = (method: string, target: string, last: boolean): Buffer => {
      const signature = signV1({ method, target, body: Buffer.alloc(0), timestamp }, agent.secrets[0]);
      const headers: [string, string][] = [
        ['Host', 'agent'],
        ['X-Timestamp', timestamp],
        ['X-Signature', signature],
        ['Content-Length', '0'],
        ...(last ? ([['Connection', 'close']] as [string, string][]) : []),
      ];
      return rawBytes({ method, target, headers });
    };
    const bytes = [request('POST', path, false), request('POST', path, false), request('GET', '/health', true)];
    const replies = await sendRaw(agent.port, Buffer.concat(bytes));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(replies[0]?.body).toBe(replies[1]?.body);
    expect(replies[2]?.body).toContain('"status":"ok"');
  });
});

test('64 changes wait behind a running one, the next is 429 busy, and reads and other interfaces wait for nobody', async () => {
  const name = newName();
  const gate = Promise.withResolvers<undefined>();
  const running = agent.host.lock.run(name, () => gate.promise);
  const disable = (own: string): AgentRequest => ({
    method: 'POST',
    path: `/v1/wg/${own}/disable`,
    timestamp: String(agent.nextSecond()),
  });
  let answered = 0;
  const waiting = Array.from({ length: 65 }, async () => {
    const { status } = await agent.call(disable(name));
    answered += 1;
    return status;
  });
  // Exactly one of them is refused at once.
  expect(await Promise.race(waiting)).toBe(429);
  const busy = await agent.call(disable(name));
  expect(busy.json).toMatchObject({ code: 'busy' });
  expect((await agent.call({ method: 'GET', path: '/health' })).status).toBe(200);
  expect((await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).status).toBe(404);
  expect((await agent.call(disable(newName()))).status).toBe(200);
  expect(answered).toBe(1);
  gate.resolve(undefined);
  await running;
  const statuses = await Promise.all(waiting);
  expect(statuses.filter((status) => status === 200)).toHaveLength(64);
  expect((await agent.call(disable(name))).status).toBe(200);
});

describe('the size of a body', () => {
  const LIMIT = 2 * 1024 * 1024;
  const path = '/v1/wg/wg0/config';

  test('of 2 MiB is read', async () => {
    expect((await agent.callUnsigned({ method: 'PUT', path, body: 'x'.repeat(LIMIT) })).status).toBe(401);
    const reply = await agent.call({ method: 'PUT', path, body: 'x'.repeat(LIMIT) });
    expect(reply.json).toMatchObject({ code: 'bad_request' });
  });

  test('holds the longest lists of hooks that a resource can have', async () => {
    const list = Array.from({ length: 64 }, () => 'x'.repeat(4096));
    const lists = { pre_up: list, post_up: list, pre_down: list, post_down: list };
    const reply = await agent.call({ method: 'PUT', path, body: JSON.stringify(lists) });
    // Read, parsed and judged: what lacks is all that is wrong.
    expect(reply.json).toMatchObject({ details: ["/: must have required property 'private_key'"] });
  });

  const headersOf = (...more: [string, string][]): [string, string][] => [
    ['Host', 'agent'],
    ['Connection', 'close'],
    ['Content-Type', 'application/json'],
    ...more,
  ];
  const expectTooLarge = (reply: RawReply | undefined): void => {
    expect(reply?.status).toBe(413);
    expect(JSON.parse(reply?.body ?? '')).toEqual({
      error: 'The request body must be at most 2 MiB',
      code: 'too_large',
      details: [],
    });
  };

  test('above it is 413 by its declared length, before a byte of it came', async () => {
    const headers = headersOf(['Content-Length', String(LIMIT + 1)]);
    const [reply] = await sendRaw(agent.port, rawBytes({ method: 'PUT', target: path, headers }));
    expectTooLarge(reply);
  });

  test('above it is 413 in chunks too', async () => {
    const headers = headersOf(['Transfer-Encoding', 'chunked']);
    const chunk = `${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n0\r\n\r\n`;
    const [reply] = await sendRaw(agent.port, rawBytes({ method: 'PUT', target: path, headers, body: chunk }));
    expectTooLarge(reply);
  });

  test('of all unfinished requests together is bounded: then 429, while /health still answers', async () => {
    const sockets: Socket[] = [];
    const small = (): Promise<string> =>
      agent.callUnsigned({ method: 'PUT', path, body: 'x' }).then(({ json }) => String(json['code']));
    try {
      for (let index = 0; index < 8; index += 1) {
        const socket = connect({ host: '127.0.0.1', port: agent.port });
        socket.on('error', () => undefined);
        socket.write(rawBytes({ method: 'PUT', target: path, headers: headersOf(['Content-Length', String(LIMIT)]) }));
        sockets.push(socket);
      }
      await until('the agent to be full', async () => (await small()) === 'busy');
      expect((await agent.call({ method: 'GET', path: '/health' })).status).toBe(200);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await until('the agent to take bodies again', async () => (await small()) === 'missing_signature');
  });
});

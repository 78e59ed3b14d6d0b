import { afterEach, describe, expect, test } from '@jest/globals';
import { type AgentUnreachable } from '../../controller/drivers/http/agent-failure.ts';
import { type AgentRefused } from '../../controller/drivers/wgnode/agent-refused.ts';
import { newPrivateKey } from '../support/canary.ts';
import { type ModelResponse, type ModelServer, startModelAgent, startTcp } from './support/model-server.ts';
import { failureOf, newClient, patient, reasonOf, type TestClient } from './support/test-client.ts';
import { countTicks, type TickCounter, ticksOf } from './support/tick-counter.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const clientOf = (server: ModelServer, now?: () => number): TestClient => {
  const client = newClient({ origin: server.origin, ...(now === undefined ? {} : { now }) });
  cleanups.push(() => client.close(), server.close);
  return client;
};

const clientFor = async (response: ModelResponse): Promise<TestClient> =>
  clientOf(await startModelAgent(() => response));

const json = (status: number, body: object): ModelResponse => ({ status, body: JSON.stringify(body) });
const HTML = { 'content-type': 'text/html' };
const key = newPrivateKey();

/** Every call of the client, by name. */
const CALLS: Readonly<Record<string, (client: TestClient) => Promise<unknown>>> = {
  health: (client) => client.health(patient()),
  read: (client) => client.readConfig('wg0', undefined, patient()),
  put: (client) => client.putConfig('wg0', { private_key: key }, patient()),
  enable: (client) => client.setState('wg0', 'enable', patient()),
  disable: (client) => client.setState('wg0', 'disable', patient()),
  remove: (client) => client.remove('wg0', patient()),
};

describe.each(Object.entries(CALLS))('an answer that no agent gives to %s is no success', (_name, call) => {
  test.each([
    { what: 'a page', response: { status: 200, headers: HTML, body: '<html>Log in</html>' } },
    { what: 'no body', response: { status: 200 } },
    { what: 'half of an object', response: { status: 200, body: '{"status":"succ' } },
    { what: 'a JSON text', response: { status: 200, body: '"ok"' } },
    { what: 'null', response: { status: 200, body: 'null' } },
    { what: 'a redirect', response: { status: 307, headers: { location: 'http://127.0.0.1:1/health' } } },
    {
      what: 'a redirect with an object',
      response: { ...json(302, { status: 'success' }), headers: { location: '/x' } },
    },
    { what: 'a page with 404', response: { status: 404, headers: HTML, body: '<html>' } },
    { what: 'a page with 403', response: { status: 403, headers: HTML, body: '<html>' } },
  ])('$what is ProtocolError', async ({ response }) => {
    expect(await reasonOf(call(await clientFor(response)))).toBe('ProtocolError');
  });

  test.each([
    { what: 'a page of a proxy with 502', response: { status: 502, headers: HTML, body: '<html>Bad Gateway</html>' } },
    { what: '503 without a body', response: { status: 503 } },
    { what: '500 with a code', response: json(500, { error: 'x', code: 'command_failed', details: [] }) },
    { what: '500 of an old agent', response: json(500, { error: 'Failed to reload interface: x' }) },
    { what: '503', response: json(503, { error: 'wg is missing', code: 'command_missing', details: [] }) },
    { what: '429', response: json(429, { error: 'busy', code: 'busy', details: [] }) },
  ])('$what is AgentError, which mends itself', async ({ response }) => {
    expect(await reasonOf(call(await clientFor(response)))).toBe('AgentError');
  });

  test('a refusal is a refusal', async () => {
    const response = json(403, { error: 'no', code: 'hooks_off', details: ['spec.interface.postUp'] });
    expect(await reasonOf(call(await clientFor(response)))).toBe('refused: hooks_off');
  });
});

describe('what is read', () => {
  test('a /health without a version is ProtocolError', async () => {
    expect(await reasonOf((await clientFor(json(200, { status: 'ok' }))).health(patient()))).toBe('ProtocolError');
  });

  test('a configuration of another interface is ProtocolError', async () => {
    const client = await clientFor(json(200, { interface: 'wg1' }));
    expect(await reasonOf(client.readConfig('wg0', undefined, patient()))).toBe('ProtocolError');
  });

  test('404 of a missing route is not "absent"', async () => {
    const client = await clientFor(json(404, { error: 'Not Found', code: 'no_route', details: [] }));
    expect(await reasonOf(client.readConfig('wg0', undefined, patient()))).toBe('ProtocolError');
  });

  test('apply_failed is a refusal that says whether the previous state is back', async () => {
    const client = await clientFor(json(500, { error: 'x', code: 'apply_failed', details: [], rolled_back: true }));
    const error = await failureOf(client.putConfig('wg0', { private_key: key }, patient()));
    expect(error).toMatchObject({ agentCode: 'apply_failed', status: 500, rolledBack: true });
  });

  test('401 of an old agent for its clock is ClockSkew even without the seconds', async () => {
    const client = await clientFor(json(401, { error: 'Request timestamp too old' }));
    expect(await reasonOf(client.readConfig('wg0', undefined, patient()))).toBe('ClockSkew');
  });

  test('a redirect is not followed', async () => {
    const target = await startModelAgent(() => json(200, { version: '1' }));
    cleanups.push(target.close);
    const client = await clientFor({ status: 307, headers: { location: `${target.origin}/health` } });
    await failureOf(client.health(patient()));
    expect(target.requests).toEqual([]);
  });
});

describe('the texts of an agent', () => {
  const nasty = `Key is not the correct length or format: ${key}\r\n\u001b[31mred\u0000\u202e\u2028${'x'.repeat(5_000)}`;

  test.each([400, 500])('with %d are one bounded line without anything like a key', async (status) => {
    const client = await clientFor(json(status, { error: nasty, code: 'invalid_value', details: [] }));
    const { message } = await failureOf(CALLS['put']?.(client) ?? Promise.resolve());
    expect(message.includes(key)).toBe(false);
    expect(message).toContain('[redacted]');
  });

  test('in details are judged in the same way, and limited in number', async () => {
    const details = Array.from({ length: 100 }, () => nasty);
    const client = await clientFor(json(400, { error: 'x', code: 'invalid_value', details }));
    const refused = (await failureOf(client.health(patient()))) as AgentRefused;
    expect(refused.details.length).toBe(16);
    for (const text of refused.details) {
      expect(text.includes(key)).toBe(false);
      expect(text.length).toBeLessThanOrEqual(1_000);
      expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }
  });

  test('a code that this version does not know is ProtocolError, and the word itself goes nowhere', async () => {
    const client = await clientFor(json(400, { error: 'x', code: `${key} ${nasty}`, details: [] }));
    const error = await failureOf(client.health(patient()));
    expect(error).toMatchObject({ reason: 'ProtocolError' });
    expect(JSON.stringify([error.message, error])).not.toContain(key);
  });

  test.each([429, 503])('%d with a Retry-After says how long to wait', async (status) => {
    const client = await clientFor({ ...json(status, { error: 'x' }), headers: { 'retry-after': '7' } });
    expect(await failureOf(client.health(patient()))).toMatchObject({ reason: 'AgentError', retryAfterMs: 7_000 });
  });

  test.each([
    { what: 'numbers', body: { error: 5, code: 6, details: 7 } },
    { what: 'lists', body: { error: [], code: {}, details: [null, 5, {}] } },
    { what: 'nothing', body: {} },
  ])('that are $what do no harm', async ({ body }) => {
    const client = await clientFor(json(400, body));
    expect(await failureOf(client.health(patient()))).toMatchObject({ reason: 'ProtocolError' });
  });
});

const ANSWER = '{"version":"1"}';
const whole = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`;

describe('a connection that breaks', () => {
  /** Answers the first `broken` requests by `start` and a break; later ones wholly. Keeps what came. */
  const breaking = async (broken: number, start: string): Promise<{ client: TestClient; seen: string[] }> => {
    const seen: string[] = [];
    const server = await startTcp((socket, count) => {
      socket.on('data', (chunk) => {
        seen.push(chunk.toString('latin1'));
        if (count > broken) socket.write(whole(ANSWER));
        else if (start === '') socket.resetAndDestroy();
        else socket.write(start, () => socket.resetAndDestroy());
      });
    });
    let seconds = 1_700_000_000;
    return { client: clientOf(server, () => (seconds += 1) * 1000), seen };
  };

  test.each([
    { what: 'before the answer', start: '' },
    { what: 'in the middle of the answer', start: whole(ANSWER).slice(0, -5) },
  ])('$what is tried once more, with a fresh timestamp and signature', async ({ start }) => {
    const { client, seen } = await breaking(1, start);
    expect(await client.health(patient())).toEqual({ version: '1' });
    expect(seen).toHaveLength(2);
    const valuesOf = (name: string): Set<string | undefined> =>
      new Set(seen.map((request) => new RegExp(`${name}: (\\S+)`, 'i').exec(request)?.[1]));
    expect(valuesOf('x-timestamp').size).toBe(2);
    expect(valuesOf('x-signature').size).toBe(2);
    expect(client.outcomes).toEqual(['health ok']);
  });

  test('twice is ConnectionRefused, after two requests and not more', async () => {
    const { client, seen } = await breaking(100, '');
    expect(await reasonOf(client.health(patient()))).toBe('ConnectionRefused');
    expect(seen).toHaveLength(2);
  });

  test('a failure that is an answer is not repeated', async () => {
    const server = await startModelAgent(() => json(500, { error: 'x', code: 'internal', details: [] }));
    const client = clientOf(server);
    await failureOf(client.setState('wg0', 'enable', patient()));
    expect(server.requests).toHaveLength(1);
  });
});

describe('the deadline of a call is that of the whole call', () => {
  const expectTimeout = async (server: ModelServer, timeoutMs = 500): Promise<AgentUnreachable> => {
    const client = clientOf(server);
    const ticks = countTicks();
    const error = await failureOf(client.health(patient(timeoutMs)));
    expect(ticks.stop()).toBeLessThanOrEqual(ticksOf(timeoutMs));
    expect(error).toMatchObject({ reason: 'ConnectionTimeout' });
    return error as AgentUnreachable;
  };

  test('a server that never answers', async () => {
    await expectTimeout(await startTcp(() => undefined));
  });

  test('a server that answers one byte every 100 ms', async () => {
    const server = await startTcp((socket) => {
      const bytes = Array.from(Buffer.from(whole(JSON.stringify({ version: 'x'.repeat(1_000) }))));
      const timer = setInterval(() => socket.write(Buffer.from(bytes.splice(0, 1))), 100);
      socket.once('close', () => {
        clearInterval(timer);
      });
    });
    await expectTimeout(server);
  });

  test('a server that sends the head at once and the body one byte every 100 ms', async () => {
    const server = await startTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 100);
      socket.once('close', () => {
        clearInterval(timer);
      });
    });
    await expectTimeout(server);
  });

  test('a caller that gives up ends the call at once', async () => {
    const controller = new AbortController();
    const sinceAbort = Promise.withResolvers<TickCounter>();
    const server = await startTcp((socket) => {
      socket.once('data', () => {
        sinceAbort.resolve(countTicks());
        controller.abort();
      });
    });
    const client = clientOf(server);
    await failureOf(client.health({ timeoutMs: 30_000, signal: controller.signal }));
    expect((await sinceAbort.promise).stop()).toBeLessThanOrEqual(ticksOf(0));
  });
});

describe('what is no HTTP, or too much of it, is ProtocolError', () => {
  test('another protocol', async () => {
    const server = await startTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    expect(await reasonOf(clientOf(server).health(patient()))).toBe('ProtocolError');
  });

  test.each([
    { what: 'by its declared length', chunked: false },
    { what: 'in chunks', chunked: true },
  ])('an answer above 4 MiB, $what', async ({ chunked }) => {
    const body = JSON.stringify({ version: 'x'.repeat(4 * 1024 * 1024) });
    const server = await startModelAgent(() => ({
      status: 200,
      headers: chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) },
      body,
    }));
    expect(await reasonOf(clientOf(server).health(patient()))).toBe('ProtocolError');
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signV1 } from '../../agent/protocol/signature-v1.ts';
import { createRoutes } from '../../agent/http/routes.ts';
import { newPrivateKey } from '../support/canary.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { rawBytes, type RawReply, sendRaw } from './support/raw-http.ts';
import { newName, startAgent, type TestAgent } from './support/test-agent.ts';

const leaks = createLeakWatch();
const key = newPrivateKey();
let agent: TestAgent;
let dropIn: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ leaks });
  dropIn = await startAgent({ leaks, settings: { dropIn: true } });
});
afterAll(async () => {
  await agent.close();
  await dropIn.close();
  leaks.expectNone();
});

interface Raw {
  readonly method?: string;
  readonly target: string;
  readonly host?: string;
  readonly more?: readonly (readonly [string, string])[];
  readonly signed?: boolean;
  readonly to?: TestAgent;
}

async function send({ method = 'GET', target, host = 'agent', more = [], signed, to = agent }: Raw): Promise<RawReply> {
  const timestamp = String(to.nextSecond());
  const signature = signV1({ method, target, body: Buffer.alloc(0), timestamp }, to.secrets[0]);
  const own: [string, string][] = [
    ['Host', host],
    ['Connection', 'close'],
  ];
  const proof: [string, string][] = [
    ['X-Timestamp', timestamp],
    ['X-Signature', signature],
  ];
  const headers = [...own, ...more, ...(signed === true ? proof : [])];
  const [reply] = await sendRaw(to.port, rawBytes({ method, target, headers }));
  if (reply === undefined) throw new Error('The agent closed the connection without an answer');
  leaks.add(`${method} ${target}`, reply.body);
  return reply;
}

const codeOf = ({ body }: RawReply): unknown => (JSON.parse(body) as { code?: unknown }).code;

describe('every route but GET /health needs a signature', () => {
  const name = newName();
  const text = `# kept\n[Interface]\nPrivateKey = ${key}\n`;

  test('a walk over the route table finds 401 everywhere, and no effect', async () => {
    await agent.write(name, text);
    const before = await agent.fingerprint();
    const routes = createRoutes(agent.context);
    expect(routes.length).toBeGreaterThan(5);
    const spawned = new Map(agent.host.runner.spawned);
    const answers: Record<string, unknown> = {};
    for (const { method, path } of routes) {
      const body = method === 'PUT' ? { body: JSON.stringify({ private_key: key, mtu: 1400 }) } : {};
      const headers = { 'content-type': 'application/json' };
      const reply = await agent.callUnsigned({ method, path: path.replace(':name', name), headers, ...body });
      answers[`${method} ${path}`] = reply.status === 401 ? reply.json['code'] : reply.status;
    }
    const { 'GET /health': health, ...others } = answers;
    expect(health).toBe(200);
    expect(new Set(Object.values(others))).toEqual(new Set(['missing_signature']));
    expect(await agent.fingerprint()).toEqual(before);
    expect(agent.host.runner.spawned).toEqual(spawned);
  });

  test.each([
    '/docs',
    '/redoc',
    '/openapi.json',
    '/',
    '/v1',
    '/v1/nowhere',
    '/health/',
    '//health',
    '/HEALTH',
    '/v1/../health',
    '/health;x',
    '/health%00',
    '/v1/wg/%/config',
    '/v1/wg/%zz/config',
    '/v1/wg/%ff/config',
    `/v1/wg/${'a'.repeat(200)}/config`,
  ])('so does the unknown path %s', async (target) => {
    expect((await send({ target })).status).toBe(401);
  });

  test.each(['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    'so does %s of the open path',
    async (method) => {
      expect((await send({ method, target: '/health' })).status).toBe(401);
    },
  );

  test('an unknown content type opens nothing either', async () => {
    const path = `/v1/wg/${name}/config`;
    const headers = { 'content-type': '}{' };
    const reply = await agent.callUnsigned({ method: 'PUT', path, body: '{}', headers });
    expect([400, 401]).toContain(reply.status);
  });
});

describe('nothing but method and raw request target opens a route', () => {
  test.each([
    { host: 'x/health?' },
    { host: 'x/health#' },
    { host: 'x/health' },
    { host: '/health?' },
    { host: 'x/v1/metrics?' },
    { host: 'localhost' },
    { host: '127.0.0.1' },
    { host: '' },
  ])('no Host header does: "$host"', async ({ host }) => {
    for (const method of ['GET', 'PUT']) {
      const reply = await send({ method, target: `/v1/wg/${newName()}/config`, host });
      expect(reply.status).toBe(401);
      expect((await send({ method: 'GET', target: '/v1/metrics', host })).status).toBe(401);
    }
  });

  test.each([
    ['X-Original-URL', '/health'],
    ['X-Rewrite-URL', '/health'],
    ['X-Forwarded-Prefix', '/health'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-HTTP-Method-Override', 'GET'],
    ['Forwarded', 'for=127.0.0.1;host=x/health'],
    ['Authorization', 'Basic YWRtaW46YWRtaW4='],
  ])('no %s header does', async (header, value) => {
    expect((await send({ target: '/v1/status', more: [[header, value]] })).status).toBe(401);
  });

  test.each([
    'http://x/health?/v1/status',
    'http://x/health?/../v1/status',
    'http://x/health/../v1/status',
    'http://x/v1/status#/health',
    '/v1/status#/health',
    '/v1/status?/health',
    '/health/../v1/status',
    '/health%2f..%2fv1%2fstatus',
  ])('no target does: %s', async (target) => {
    // 400 is the parser's, before anything of ours.
    expect([400, 401]).toContain((await send({ target })).status);
  });

  test('the Host header does not close /health', async () => {
    expect((await send({ target: '/health', host: 'x/v1/status?' })).status).toBe(200);
  });
});

describe('with a signature', () => {
  test.each(['/v1/nowhere', '/docs', '/v2/wg/wg0/dump', '/v1/wg/wg0/nowhere', '/v1/wg/wg0/config/more'])(
    'the unknown path %s is 404 no_route',
    async (path) => {
      const reply = await agent.call({ method: 'GET', path });
      expect(reply.status).toBe(404);
      expect(reply.json).toEqual({ error: 'Not Found', code: 'no_route', details: [] });
    },
  );

  test.each([
    ['POST', '/health'],
    ['PATCH', '/v1/wg/wg0/config'],
    ['GET', '/v1/wg/wg0/enable'],
    ['PUT', '/v1/wg/wg0/disable'],
    ['GET', '/v1/wg/wg0'],
    ['OPTIONS', '/v1/status'],
  ])('%s %s is 405', async (method, path) => {
    const reply = await agent.call({ method, path });
    expect(reply.status).toBe(405);
    expect(reply.json).toMatchObject({ error: 'Method Not Allowed', code: 'method_not_allowed' });
  });

  test.each(['/health', '/v1/status', '/v1/metrics', '/v1/wg/wg0/config', '/v1/wg/wg0/dump'])(
    'HEAD %s is 405',
    async (target) => {
      expect((await send({ method: 'HEAD', target, signed: true })).status).toBe(405);
    },
  );

  test.each(['/v1/status/', '/v1/wg/wg0/config/', '/v1/wg/wg0/enable/'])(
    'the trailing slash of %s is not redirected',
    async (target) => {
      const reply = await send({ target, signed: true });
      expect(reply.status).toBe(404);
      expect(reply.headers.has('location')).toBe(false);
    },
  );

  test.each(['%', '%zz', '%ff', 'a%2Fb', '..', '%2e%2e', 'all', 'help', '-h', 'a b', '%24(id)', 'a'.repeat(16)])(
    'the name %s is refused and makes no file',
    async (name) => {
      const before = await agent.fingerprint();
      const path = `/v1/wg/${name.replace(' ', '%20')}/config`;
      const reply = await agent.call({ method: 'PUT', path, body: { private_key: key } });
      // 401 where the path cannot be decoded: no route, so the signed body is not read.
      expect([400, 401, 404]).toContain(reply.status);
      expect(reply.json).toMatchObject({ error: expect.any(String), code: expect.any(String), details: [] });
      expect(await agent.fingerprint()).toEqual(before);
    },
  );

  test("a name that the host's policy leaves out is 403", async () => {
    const strict = await startAgent({ leaks, settings: { interfaces: ['wg0'] } });
    try {
      const path = `/v1/wg/${newName()}/config`;
      for (const call of [
        { method: 'GET', path },
        { method: 'PUT', path, body: { private_key: key } },
      ] as const) {
        const reply = await strict.call(call);
        expect(reply.status).toBe(403);
        expect(reply.json).toMatchObject({ code: 'interface_not_allowed' });
      }
      expect(await strict.fingerprint()).toEqual([]);
    } finally {
      await strict.close();
    }
  });
});

describe('GET /v1/metrics', () => {
  test('is open in drop-in mode, and nothing else is', async () => {
    expect((await send({ target: '/v1/metrics', to: dropIn })).status).toBe(200);
    for (const raw of [
      { target: '/v1/status' },
      { target: '/v1/metrics/' },
      { target: '/v1/metricsx' },
      { target: '/v1/metrics', method: 'POST' },
    ]) {
      const reply = await send({ ...raw, to: dropIn });
      expect(reply.status).toBe(401);
      expect(codeOf(reply)).toBe('missing_signature');
    }
  });

  test('is closed otherwise', async () => {
    expect((await send({ target: '/v1/metrics' })).status).toBe(401);
    expect((await send({ target: '/v1/metrics', signed: true })).status).toBe(200);
  });
});

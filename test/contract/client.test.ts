import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AgentUnreachable } from '../../controller/drivers/http/agent-failure.ts';
import { isOurAgent } from '../../controller/drivers/wgnode/agent-client.ts';
import { createUrlGuard } from '../../controller/drivers/http/url-guard.ts';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from '../support/canary.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { startTcp } from './support/model-server.ts';
import { failureOf, newClient, patient, reasonOf, type TestClient } from './support/test-client.ts';
import { newName, startAgent, type TestAgent, VERSION } from './support/test-agent.ts';

const leaks = createLeakWatch();
const key = newPrivateKey();
let agent: TestAgent;
let client: TestClient;
beforeAll(async () => {
  agent = await startAgent({ leaks, nowMs: Date.now });
  client = newClient({ origin: agent.origin, hmacKey: agent.secrets[0] });
});
afterAll(async () => {
  await client.close();
  await agent.close();
  leaks.expectNone();
});

describe('the real client and the real agent', () => {
  test('know each other', async () => {
    const before = Date.now();
    const health = await client.health(patient());
    expect(health).toMatchObject({ version: VERSION, name: 'wgnode-agent' });
    expect(isOurAgent(health)).toBe(true);
    expect(health.time).toBeGreaterThanOrEqual(before);
    expect(health.time).toBeLessThanOrEqual(Date.now());
    expect(client.outcomes.at(-1)).toBe('health ok');
  });

  test('go through the life of an interface: absent, written, unchanged, disabled, removed', async () => {
    const name = newName();
    const signal = patient();
    expect(await client.readConfig(name, undefined, signal)).toEqual({ kind: 'absent' });
    const put = await client.putConfig(name, { private_key: key, address: ['10.9.0.1/24'] }, signal);
    expect(put).toMatchObject({ changed: true, reloaded: false, impact: 'None' });
    const read = await client.readConfig(name, undefined, signal);
    if (read.kind !== 'present') throw new Error(`Wanted present, got ${read.kind}`);
    expect(read.etag).toBe(`"${put.digest}"`);
    expect(read.response).toMatchObject({
      interface: name,
      state: 'down',
      spec: { address: ['10.9.0.1/24'] },
      public_key: publicKeyOf(new Secret(key)),
    });
    leaks.add('read', JSON.stringify(read));
    expect(await client.readConfig(name, read.etag, signal)).toEqual({ kind: 'unchanged' });
    await client.setState(name, 'disable', signal);
    await client.remove(name, signal);
    expect(await client.readConfig(name, read.etag, signal)).toEqual({ kind: 'absent' });
    expect(client.outcomes).toEqual(expect.arrayContaining(['read not_found', 'put ok', 'disable ok', 'remove ok']));
  });

  test("a refusal has the agent's status, code and details, and no key", async () => {
    const error = await failureOf(client.putConfig(newName(), { private_key: key, mtu: 5 }, patient()));
    expect(error).toMatchObject({ code: 'agent_refused', status: 400, agentCode: 'invalid_value' });
    expect(error).toMatchObject({ details: [expect.stringMatching(/^spec\.interface\.mtu: /)] });
    expect(client.outcomes.at(-1)).toBe('put refused');
    leaks.add('refusal', JSON.stringify(error) + error.message);
  });

  test('enable without a file is refused as not_found', async () => {
    expect(await reasonOf(client.setState(newName(), 'enable', patient()))).toBe('refused: not_found');
  });

  test('many calls at once share one connection and all succeed', async () => {
    const names = Array.from({ length: 20 }, newName);
    const results = await Promise.all(names.map((name) => client.readConfig(name, undefined, patient())));
    expect(results).toEqual(names.map(() => ({ kind: 'absent' })));
  });
});

describe('the reasons', () => {
  const withClient = async <T>(
    options: Parameters<typeof newClient>[0],
    use: (own: TestClient) => Promise<T>,
  ): Promise<T> => {
    const own = newClient(options);
    try {
      return await use(own);
    } finally {
      await own.close();
    }
  };

  /** A client whose clock is ahead of that of its agent, while both stand still: the skew is exact, however long the calls take. */
  const withStillClocks = async (aheadMs: number, use: (own: TestClient) => Promise<void>): Promise<void> => {
    const nowMs = Date.now();
    const still = await startAgent({ leaks, nowMs: () => nowMs });
    const options = { origin: still.origin, hmacKey: still.secrets[0], now: () => nowMs + aheadMs };
    await withClient(options, use).finally(still.close);
  };

  test('a port where nothing listens is ConnectionRefused', async () => {
    const server = await startTcp(() => undefined);
    await server.close();
    await withClient({ origin: server.origin }, async (own) => {
      expect(await reasonOf(own.health(patient()))).toBe('ConnectionRefused');
      expect(own.outcomes).toEqual(['health ConnectionRefused']);
    });
  });

  test('another HMAC key is SignatureRejected, and says which key to look at', async () => {
    await withClient({ origin: agent.origin }, async (own) => {
      const error = await failureOf(own.readConfig(newName(), undefined, patient()));
      expect(error).toMatchObject({ reason: 'SignatureRejected', message: expect.stringContaining('hmac-key') });
      // The agent can be told from others all the same.
      expect((await own.health(patient())).version).toBe(VERSION);
    });
  });

  test.each([
    { what: 'behind', shift: 1_000 },
    { what: 'ahead', shift: -1_000 },
  ])('a clock that is $what is ClockSkew, with the seconds', async ({ what, shift }) => {
    await withStillClocks(shift * 1000, async (own) => {
      const error = (await failureOf(own.readConfig(newName(), undefined, patient()))) as AgentUnreachable;
      expect(error.reason).toBe('ClockSkew');
      const [, seconds, word] = /is (\d+) s (\w+)/.exec(error.message) ?? [];
      expect([seconds, word]).toEqual(['1000', what]);
    });
  });

  test('a skew within what the agent allows is no failure', async () => {
    await withStillClocks(200_000, async (own) => {
      expect(await own.readConfig(newName(), undefined, patient())).toEqual({ kind: 'absent' });
    });
  });

  test.each([
    { what: '127.0.0.1, by default', origin: 'http://127.0.0.1:1', allow: [], deny: [] },
    { what: 'all of loopback', origin: 'http://127.9.9.9:1', allow: [], deny: [] },
    { what: 'IPv6 loopback', origin: 'http://[::1]:1', allow: [], deny: [] },
    { what: 'loopback in the form of a mapped address', origin: 'http://[::ffff:127.0.0.1]:1', allow: [], deny: [] },
    { what: 'loopback in one number', origin: 'http://2130706433:1', allow: [], deny: [] },
    { what: 'loopback in hexadecimal', origin: 'http://0x7f.1:1', allow: [], deny: [] },
    { what: 'the address of metadata services', origin: 'http://169.254.169.254', allow: [], deny: [] },
    { what: 'no address at all', origin: 'http://0.0.0.0:1', allow: [], deny: [] },
    { what: 'what is denied', origin: 'http://192.0.2.1:1', allow: [], deny: ['192.0.2.0/24'] },
    {
      what: 'what is not on the list of what is allowed',
      origin: 'http://127.0.0.1:1',
      allow: ['192.0.2.0/24'],
      deny: [],
    },
    { what: 'a name of loopback', origin: 'http://localhost:1', allow: [], deny: [] },
  ])('the guard does not dial $what: URLNotAllowed', async ({ origin, allow, deny }) => {
    await withClient({ origin, guard: createUrlGuard({ allow, deny }) }, async (own) => {
      expect(await reasonOf(own.health(patient()))).toBe('URLNotAllowed');
    });
  });

  test('the guard leaves no trace at a server that is there', async () => {
    let connections = 0;
    const server = await startTcp(() => (connections += 1));
    const guard = createUrlGuard({ allow: [], deny: [] });
    await withClient({ origin: server.origin, guard }, async (own) => {
      expect(await reasonOf(own.health(patient()))).toBe('URLNotAllowed');
    });
    await server.close();
    expect(connections).toBe(0);
  });
});

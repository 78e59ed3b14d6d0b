import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from '../support/canary.ts';
import { MemoryOldHost } from '../support/old-agent/memory-old-host.ts';
import { OldAgent, type OldAgentOptions, type OldAnswer, type OldRequest } from '../support/old-agent/old-agent.ts';

// The model of the WGDashboard node agent, line by line as `agent-contract` has it: what the second driver is tried against must be true.

const SECRET = 'example-secret';
const NOW = 1_700_000_000;
const KEY = newPrivateKey();
const PEER = publicKeyOf(new Secret(newPrivateKey()));
const PLAIN = `[Interface]\nPrivateKey = ${KEY}\nListenPort = 51820\nAddress = 10.7.0.1/24\n`;

let host: MemoryOldHost;
let agent: OldAgent;
const begin = (options: Partial<OldAgentOptions> = {}): void => {
  host = new MemoryOldHost();
  agent = new OldAgent({ host, secret: SECRET, now: () => NOW * 1000, hasDelete: true, ...options });
};
beforeEach(() => {
  begin();
});

const sign = (method: string, path: string, body: string, timestamp: string): string =>
  createHmac('sha256', SECRET).update(`${method}|${path}|${body}|${timestamp}`).digest('hex');

function call(method: string, target: string, sent?: unknown, over: Partial<OldRequest> = {}): Promise<OldAnswer> {
  const body = sent === undefined ? '' : typeof sent === 'string' ? sent : JSON.stringify(sent);
  const signature = sign(method, decodeURIComponent(target.split('?')[0] ?? ''), body, String(NOW));
  return agent.answer({
    ...{ method, target, body: Buffer.from(body), host: '127.0.0.1:8080', contentType: 'application/json' },
    ...{ timestamp: String(NOW), signature, ...over },
  });
}

async function answer(method: string, target: string, sent?: unknown, over?: Partial<OldRequest>): Promise<unknown> {
  const { status, body } = await call(method, target, sent, over);
  return [status, JSON.parse(body)];
}

const running = async (text = PLAIN): Promise<void> => {
  host.setFile('wg0', text);
  await host.run(['wg-quick', 'up', 'wg0']);
  host.ran.length = 0;
};
const put = (over: object = {}): Promise<unknown> =>
  answer('PUT', '/v1/wg/wg0/config', { private_key: KEY, listen_port: 51_820, address: '10.7.0.1/24', ...over });

describe('section 2, authentication', () => {
  test.each([
    ['no signature', { signature: undefined }, 'Missing X-Signature or X-Timestamp header'],
    ['an empty signature', { signature: '' }, 'Missing X-Signature or X-Timestamp header'],
    ['no timestamp', { timestamp: undefined }, 'Missing X-Signature or X-Timestamp header'],
    ['a float', { timestamp: '1700000000.0' }, 'Invalid timestamp'],
    ['one too old', { timestamp: String(NOW - 301) }, 'Request timestamp too old'],
    ['one too new', { timestamp: String(NOW + 301) }, 'Request timestamp too old'],
    ['another signature', { signature: '0'.repeat(64) }, 'Invalid signature'],
    [
      'the digest in upper case',
      { signature: sign('GET', '/v1/status', '', String(NOW)).toUpperCase() },
      'Invalid signature',
    ],
  ])('%s', async (_, over, error) => {
    expect(await answer('GET', '/v1/status', undefined, over)).toEqual([401, { error }]);
  });

  test.each([
    ['GET', '/v1/wg/wg0/config', '', '6d153403523a519f1e8b18559a95e79ec020fdf66746947d81d88ac711236fa3'],
    [
      ...['PUT', '/v1/wg/wg0/peers/xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='],
      ...['{"allowed_ips": ["10.0.0.2/32"]}', '86afd47d3d0cdf5689cb5bc63bc6b386b9302245751e4cd0486c4de854bee70f'],
    ],
  ])('the test vector of %s is taken', async (method = '', path = '', body = '', signature = '') => {
    const { status } = await call(method, path, body === '' ? undefined : body, { signature });
    expect(status).not.toBe(401);
  });

  test('exactly 300 s passes, and so does 1_700_000_000', async () => {
    for (const timestamp of [String(NOW - 300), '1_700_000_000', '+1700000000']) {
      const signature = sign('GET', '/v1/status', '', timestamp);
      expect((await call('GET', '/v1/status', undefined, { timestamp, signature })).status).toBe(200);
    }
  });

  test('/health and /v1/metrics need nothing, all else does, unknown paths too', async () => {
    const bare = { signature: undefined, timestamp: undefined };
    for (const path of ['/health', '/v1/metrics']) expect((await call('GET', path, undefined, bare)).status).toBe(200);
    for (const path of ['/docs', '/openapi.json', '/x'])
      expect((await call('GET', path, undefined, bare)).status).toBe(401);
  });

  test('BadHost: old builds take the path from the header Host', async () => {
    const forged = { signature: undefined, timestamp: undefined, host: 'x/health?' };
    expect((await call('GET', '/v1/status', undefined, forged)).status).toBe(401);
    begin({ isBadHost: true });
    expect((await call('GET', '/v1/status', undefined, forged)).status).toBe(200);
  });
});

describe('section 3, errors', () => {
  test('404 is "error" for a file, and "detail" for a route', async () => {
    expect(await answer('GET', '/v1/wg/wg0/config')).toEqual([
      404,
      { error: 'Configuration file not found: /etc/wireguard/wg0.conf' },
    ]);
    expect(await answer('GET', '/v1/nothing')).toEqual([404, { detail: 'Not Found' }]);
    expect(await answer('GET', '/v1/wg/wg0/enable')).toEqual([405, { detail: 'Method Not Allowed' }]);
  });

  test('422 echoes what was sent, and a body without its type is none', async () => {
    expect(await answer('PUT', '/v1/wg/wg0/config', { private_key: KEY, mtu: 1420.5 })).toMatchObject([
      422,
      { detail: [{ type: 'int_from_float', loc: ['body', 'mtu'], input: 1420.5 }] },
    ]);
    expect(await answer('PUT', '/v1/wg/wg0/config', { private_key: KEY, table: 123 })).toMatchObject([422, {}]);
    expect(await answer('PUT', '/v1/wg/wg0/config', {})).toMatchObject([422, { detail: [{ type: 'missing' }] }]);
    expect(await answer('PUT', '/v1/wg/wg0/config', { private_key: KEY }, { contentType: '' })).toMatchObject([
      422,
      {},
    ]);
  });

  test('6.4 openapi.json tells whether this build has DELETE', async () => {
    const routes = async (): Promise<string> => (await call('GET', '/openapi.json')).body;
    expect(await routes()).toContain('"/v1/wg/{interface}":{"delete"');
    begin({ hasDelete: false });
    expect(await routes()).not.toContain('"/v1/wg/{interface}":{');
    expect(await answer('DELETE', '/v1/wg/wg0')).toEqual([404, { detail: 'Not Found' }]);
  });
});

describe('section 4, GET', () => {
  test('dump of what is not there is 500 in changing words; a peer without networks has (none)', async () => {
    expect(await answer('GET', '/v1/wg/wg0/dump')).toMatchObject([
      500,
      { error: expect.stringMatching(/^WireGuard command failed: /) },
    ]);
    await running();
    host.addPeer('wg0', PEER);
    expect(await answer('GET', '/v1/wg/wg0/dump')).toMatchObject([
      200,
      { peers: [{ allowed_ips: ['(none)'], persistent_keepalive: 0, latest_handshake: null }] },
    ]);
  });

  test('config: the last of repeated keys, comments inside values, and CRLF as LF (7.5)', async () => {
    host.setFile('wg0', `[Interface]\r\nPostUp = a\r\nPostUp = b\r\nTable = off # x\r\n`);
    expect(await answer('GET', '/v1/wg/wg0/config')).toMatchObject([
      200,
      {
        config: {
          post_up: 'b',
          table: 'off # x',
          raw_config: '[Interface]\nPostUp = a\nPostUp = b\nTable = off # x\n',
        },
      },
    ]);
    host.setFile('wg0', '[Interface] # x\nMTU = 1400\n');
    expect(await answer('GET', '/v1/wg/wg0/config')).toMatchObject([200, { config: { mtu: null } }]);
  });

  test.each(['ListenPort = 5 # x', 'MTU =', Buffer.from([0xff])])('config: %s is 500', async (line) => {
    host.setFile('wg0', typeof line === 'string' ? `[Interface]\n${line}\n` : line);
    expect(await answer('GET', '/v1/wg/wg0/config')).toMatchObject([500, { error: expect.any(String) }]);
  });

  test('N21 status says another version than health', async () => {
    expect(await answer('GET', '/health')).toMatchObject([200, { version: '2.2.0' }]);
    await running();
    expect(await answer('GET', '/v1/status')).toMatchObject([
      200,
      { version: '2.1.0', wireguard: { interfaces: { wg0: { status: 'up' } }, interface_count: 1 } },
    ]);
  });
});

describe('section 4, PUT config', () => {
  test('writes what is true to Python, in its order, and keeps a copy', async () => {
    host.setFile(
      'wg0',
      `# note\n[Interface]\nPreUp = x\n# alice\n[Peer]\n# inside\nPublicKey = ${PEER}\n[peer]\nPublicKey = lost\n`,
    );
    const before = host.file('wg0');
    expect(
      await put({ listen_port: 0, mtu: 1420, dns: '', table: 'off', post_up: 'a', pre_down: 'b', fwmark: 7 }),
    ).toEqual([200, { status: 'success', message: 'Interface configuration updated successfully', reloaded: false }]);
    expect(host.file('wg0')).toBe(
      `[Interface]\nPrivateKey = ${KEY}\nAddress = 10.7.0.1/24\nMTU = 1420\nTable = off\nPostUp = a\nPreDown = b\n\n[Peer]\n# inside\nPublicKey = ${PEER}\n`,
    );
    expect(host.files.get('/etc/wireguard/wg0.conf.backup')).toBe(before);
  });

  test('N22 each PUT of a file with peers adds one blank line', async () => {
    host.setFile('wg0', `${PLAIN}\n[Peer]\nPublicKey = ${PEER}\n`);
    await put();
    const once = host.file('wg0') ?? '';
    await put();
    expect(host.file('wg0')).toBe(`${once}\n`);
  });

  test('N11 N12 an equal one takes the tunnel down and up, by the new file', async () => {
    await running(`${PLAIN}PreDown = old\n`);
    expect(await put({ pre_down: 'new' })).toMatchObject([200, { reloaded: true }]);
    expect(host.ran).toEqual(['wg-quick down wg0', 'new', 'wg-quick up wg0']);
  });

  test('N13 after an up that fails the file is back and the tunnel is down', async () => {
    await running();
    host.takenPorts.add(9);
    expect(await put({ listen_port: 9 })).toMatchObject([
      500,
      { error: expect.stringMatching(/^Failed to reload interface: /) },
    ]);
    expect({ file: host.file('wg0'), up: host.devices.has('wg0') }).toEqual({ file: PLAIN, up: false });
  });

  test('N14 a copy of an earlier life is put in place', async () => {
    await running();
    host.files.set('/etc/wireguard/wg0.conf.backup', 'earlier');
    host.files.delete('/etc/wireguard/wg0.conf');
    expect(await put({ pre_down: 'false' })).toMatchObject([500, {}]);
    expect(host.file('wg0')).toBe('earlier');
  });

  test('7.1 stderr that is no UTF-8: the new file stays, and enable has no words', async () => {
    await running();
    host.takenPorts.add(9);
    host.stderrPrefix = Buffer.from([0xff]);
    expect(await put({ listen_port: 9 })).toMatchObject([
      500,
      { error: expect.stringContaining("codec can't decode") },
    ]);
    expect(host.file('wg0')).toContain('ListenPort = 9');
    expect(await answer('POST', '/v1/wg/wg0/enable')).toEqual([500, { error: 'Internal server error' }]);
  });
});

describe('section 4, the rest', () => {
  test('enable and disable say what was to do', async () => {
    host.setFile('wg0', PLAIN);
    const messages = async (verb: string): Promise<unknown> => answer('POST', `/v1/wg/wg0/${verb}`);
    expect(await messages('enable')).toMatchObject([200, { was_down: true }]);
    expect(await messages('enable')).toMatchObject([200, { message: 'Interface wg0 is already up', was_down: false }]);
    expect(await messages('disable')).toMatchObject([200, { was_up: true }]);
    expect(await messages('disable')).toMatchObject([200, { message: 'Interface wg0 is already down', was_up: false }]);
    host.files.clear();
    expect(await messages('enable')).toMatchObject([
      500,
      { error: expect.stringMatching(/^Failed to enable interface: /) },
    ]);
  });

  test('7.6 DELETE of what cannot be taken down leaves it running without a file; a PUT and a disable end it', async () => {
    await running(`${PLAIN}PreDown = false\n`);
    expect(await answer('DELETE', '/v1/wg/wg0')).toMatchObject([200, { status: 'success' }]);
    expect({ file: host.file('wg0'), up: host.devices.has('wg0') }).toEqual({ file: undefined, up: true });
    expect(await answer('POST', '/v1/wg/wg0/disable')).toMatchObject([500, {}]);
    expect(await put()).toMatchObject([200, {}]);
    expect(await answer('POST', '/v1/wg/wg0/disable')).toMatchObject([200, { was_up: true }]);
  });

  test('N16 7.2 a peer call saves the kernel: peers of the file alone are gone, and `&` is broken', async () => {
    await running(`${PLAIN}PostUp = a && b\n`);
    host.setFile('wg0', `${PLAIN}PostUp = a && b\n[Peer]\nPublicKey = written-only\n`);
    expect(await answer('POST', '/v1/wg/wg0/peers', { public_key: PEER, allowed_ips: ['10.7.0.2/32'] })).toEqual([
      200,
      {
        status: 'success',
        message: 'Peer added successfully',
        peer: { public_key: PEER, allowed_ips: ['10.7.0.2/32'] },
      },
    ]);
    expect(host.file('wg0')).toContain('PostUp = a [Interface]\n[Interface]\n b\n');
    expect(host.file('wg0')).not.toContain('written-only');
  });

  test('peers: nothing clears by POST, [] does by PUT, and N18 a key with a slash is no route', async () => {
    await running();
    const ips = (): readonly string[] | undefined => host.devices.get('wg0')?.peers.get(PEER)?.ips;
    await answer('POST', '/v1/wg/wg0/peers', {
      public_key: PEER,
      allowed_ips: ['10.7.0.2/32'],
      persistent_keepalive: 25,
    });
    await answer('POST', '/v1/wg/wg0/peers', { public_key: PEER });
    expect(ips()).toEqual(['10.7.0.2/32']);
    expect(await answer('PUT', `/v1/wg/wg0/peers/a%2Fb`, { allowed_ips: [] })).toEqual([404, { detail: 'Not Found' }]);
    const slashless = `${'A'.repeat(42)}E=`;
    expect(await answer('PUT', `/v1/wg/wg0/peers/${slashless}`, {})).toMatchObject([200, {}]);
    expect(await answer('DELETE', `/v1/wg/wg0/peers/${slashless}`)).toMatchObject([
      200,
      { message: 'Peer removed successfully' },
    ]);
    expect(await answer('POST', '/v1/wg/wg0/peers', { public_key: PEER, persistent_keepalive: null })).toMatchObject([
      422,
      {},
    ]);
    expect(await answer('POST', '/v1/wg/wg0/peers', { public_key: PEER, persistent_keepalive: 70_000 })).toMatchObject([
      500,
      {},
    ]);
  });

  test('N17 syncconf: nonsense is an empty file, and wipes key, port and peers', async () => {
    await running(`${PLAIN}\n[Peer]\nPublicKey = ${PEER}\n`);
    expect(await answer('POST', '/v1/wg/wg0/syncconf', { config: '!!!!' })).toMatchObject([200, {}]);
    expect(host.devices.get('wg0')).toMatchObject({ privateKey: '', peers: new Map() });
    expect(host.file('wg0')).not.toContain(KEY);
    expect(await answer('POST', '/v1/wg/wg0/syncconf', { config: 'A' })).toEqual([
      500,
      { error: '400: Invalid base64-encoded configuration' },
    ]);
    const quick = Buffer.from('[Interface]\nAddress = 10.7.0.1/24\n').toString('base64');
    expect(await answer('POST', '/v1/wg/wg0/syncconf', { config: quick })).toMatchObject([
      500,
      { error: expect.stringMatching(/^Failed to synchronize configuration: Line unrecognized/) },
    ]);
  });
});

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Registry } from 'prom-client';
import { request } from 'undici';
import { serveMetrics } from '../../agent/http/metrics-server.ts';
import { hostMetrics } from '../../agent/operations/host-metrics.ts';
import type { MetricsSettings } from '../../agent/settings.ts';
import { freePorts } from '../support/lab/free-ports.ts';
import { mustRun } from '../support/lab/run.ts';
import { newPrivateKey } from '../support/canary.ts';
import { newName } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();

describe('operate 17-19: the listener for Prometheus', () => {
  let folder: string;
  const servers: Server[] = [];
  /** Devices of this machine. */
  const made: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wgnode-metrics-'));
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });
  afterAll(async () => {
    await Promise.all(made.map((name) => mustRun(['ip', 'link', 'delete', name])));
    await rm(folder, { recursive: true });
  });

  /** Serves on loopback; the way to its page. */
  async function serve(over: Partial<MetricsSettings> = {}): Promise<string> {
    const [port = 0] = await freePorts('127.0.0.1', 1);
    const metrics = { host: '127.0.0.1', port, tokenFile: null, ...over };
    const { host, settings } = agent;
    const read = (): Promise<Registry> => hostMetrics(agent.context);
    const server = await serveMetrics({ settings: { ...settings, metrics }, log: host.log, read });
    if (server === undefined) throw new Error('Nothing listens');
    servers.push(server);
    return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  }
  const page = async (url: string, headers: Record<string, string> = {}): Promise<string> => {
    const { statusCode, body } = await request(url, { headers });
    return `${String(statusCode)} ${await body.text()}`;
  };

  test('is not there where the policy says nothing of it', async () => {
    expect(
      await serveMetrics({ settings: agent.settings, log: agent.host.log, read: () => Promise.reject(new Error()) }),
    ).toBe(undefined);
  });

  test('tells peers in the words of WireGuard dashboards, and promtool has nothing to say against any family', async () => {
    const name = newName();
    const peer = (await mustRun(['wg', 'pubkey'], { stdin: newPrivateKey() })).trim();
    const file = `[Interface]\nPrivateKey = ${newPrivateKey()}\nTable = off\n[Peer]\n# friendly_name = Alice\nPublicKey = ${peer}\nAllowedIPs = 10.9.0.2/32, fd00::2/128\nPersistentKeepalive = 25\n`;
    await agent.write(name, file);
    made.push(name);
    expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(200);
    const text = await page(`${await serve()}/metrics`);
    const labels = `interface="${name}",public_key="${peer}",allowed_ips="10.9.0.2/32,fd00::2/128",friendly_name="Alice"`;
    for (const line of [
      `wireguard_sent_bytes_total{${labels}}`,
      `wireguard_received_bytes_total{${labels}}`,
      `wireguard_latest_handshake_seconds{${labels}} 0`,
      `wgnode_agent_peer_keepalive_seconds{interface="${name}",public_key="${peer}"} 25`,
      `wgnode_agent_interface_up{interface="${name}"} 1`,
      `wgnode_agent_interface_peers{interface="${name}"} 1`,
      `wgnode_agent_interface_active_peers{interface="${name}"} 0`,
    ])
      expect(text).toContain(line);
    expect(await mustRun(['promtool', 'check', 'metrics'], { stdin: text.replace(/^200 /, '') })).toBe('');
  });

  test('answers HEAD, and nothing but /metrics', async () => {
    const url = await serve();
    const head = await request(`${url}/metrics`, { method: 'HEAD' });
    expect([head.statusCode, Number(head.headers['content-length']) > 100, await head.body.text()]).toEqual([
      200,
      true,
      '',
    ]);
    for (const [method, path, status] of [
      ['GET', '/', 404],
      ['GET', '/v1/status', 404],
      ['POST', '/metrics', 405],
    ] as const)
      expect((await request(url + path, { method })).statusCode).toBe(status);
  });

  test('lets nobody read without the token of the file, where there is one; a new one counts at once', async () => {
    const path = join(folder, 'token');
    const tokens = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')] as const;
    await writeFile(path, `${tokens[0]}\n`, { mode: 0o600 });
    const url = `${await serve({ tokenFile: path })}/metrics`;
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${tokens[0]}`, `Bearer ${tokens[1]}`])
      expect(await page(url, { authorization })).toMatch(/^401 a bearer token is needed/);
    expect(await page(url, { authorization: `Bearer ${tokens[0]}` })).toMatch(/^200 /);
    await writeFile(path, tokens[1]);
    expect(await page(url, { authorization: `Bearer ${tokens[0]}` })).toMatch(/^401 /);
    expect(await page(url, { authorization: `Bearer ${tokens[1]}` })).toMatch(/^200 /);
  });

  test.each([
    { what: 'that others may read', mode: 0o644, text: 'x'.repeat(32), said: /chmod 600/ },
    { what: 'that is short', mode: 0o600, text: 'x', said: /at least 16 bytes/ },
  ])('is left out, with a word in the log, where the token is in a file $what', async ({ mode, text, said }) => {
    const path = join(folder, 'bad');
    await writeFile(path, text);
    await chmod(path, mode);
    const warn = jest.spyOn(agent.host.log, 'warn');
    await expect(serve({ tokenFile: path })).rejects.toThrow('Nothing listens');
    expect(warn.mock.lastCall).toEqual([expect.stringMatching(said)]);
    warn.mockRestore();
  });

  test('is left out, with a word in the log, where somebody has the port', async () => {
    const url = await serve();
    await expect(serve({ port: Number(new URL(url).port) })).rejects.toThrow('Nothing listens');
  });
});

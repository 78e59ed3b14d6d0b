import { beforeAll, describe, expect, test } from '@jest/globals';
import { CAPABILITIES } from '../../agent/protocol/messages.ts';
import { newName, VERSION } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();

const whole = expect.any(Number);

describe('GET /health', () => {
  test('has the fields of the old contract and who it is, and nothing more', async () => {
    const { json, headers } = await agent.callUnsigned({ method: 'GET', path: '/health' });
    const now = agent.host.nowMs();
    expect(json).toEqual({
      status: 'ok',
      timestamp: now / 1000,
      uptime: whole,
      version: VERSION,
      name: 'wgnode-agent',
      capabilities: [...CAPABILITIES],
      epoch: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: now,
    });
    expect(Number.isInteger(json['uptime'])).toBe(true);
    expect(headers['content-type']).toMatch(/^application\/json/);
  });

  test('tells nothing of the interfaces and runs nothing', async () => {
    const name = newName();
    await agent.write(name, '[Interface]\n');
    const spawned = new Map(agent.host.runner.spawned);
    expect((await agent.callUnsigned({ method: 'GET', path: '/health' })).text).not.toContain(name);
    expect(agent.host.runner.spawned).toEqual(spawned);
  });
});

describe('GET /v1/status', () => {
  test('has every field of the old contract, and the version of /health', async () => {
    const { status, json } = await agent.call({ method: 'GET', path: '/v1/status' });
    expect(status).toBe(200);
    expect(json).toEqual({
      status: 'ok',
      timestamp: Math.floor(agent.host.nowMs() / 1000),
      uptime: whole,
      version: VERSION,
      system: {
        cpu_percent: whole,
        memory: { total: whole, available: whole, percent: whole, used: whole },
        disk: { total: whole, used: whole, free: whole, percent: whole },
        network: { bytes_sent: whole, bytes_recv: whole, packets_sent: whole, packets_recv: whole },
      },
      wireguard: { interfaces: expect.any(Object), interface_count: whole },
    });
  });

  test('has figures that can be', async () => {
    const { system, wireguard } = (await agent.call({ method: 'GET', path: '/v1/status' })).json as unknown as Figures;
    for (const percent of [system.cpu_percent, system.memory.percent, system.disk.percent]) {
      expect(percent).toBeGreaterThanOrEqual(0);
      expect(percent).toBeLessThanOrEqual(100);
    }
    expect(system.memory.total).toBe(system.memory.used + system.memory.available);
    expect(system.disk.total).toBeGreaterThanOrEqual(system.disk.used + system.disk.free);
    expect(wireguard.interface_count).toBe(Object.keys(wireguard.interfaces).length);
  });

  test('shows running interfaces only', async () => {
    const name = newName();
    await agent.write(name, '[Interface]\n');
    const { wireguard } = (await agent.call({ method: 'GET', path: '/v1/status' })).json as unknown as Figures;
    expect(Object.keys(wireguard.interfaces)).not.toContain(name);
  });
});

interface Figures {
  readonly system: {
    readonly cpu_percent: number;
    readonly memory: {
      readonly total: number;
      readonly available: number;
      readonly used: number;
      readonly percent: number;
    };
    readonly disk: { readonly total: number; readonly used: number; readonly free: number; readonly percent: number };
  };
  readonly wireguard: { readonly interfaces: object; readonly interface_count: number };
}

describe('GET /v1/metrics', () => {
  const FAMILIES = [
    ['wgdashboard_agent_cpu_percent', 'gauge'],
    ['wgdashboard_agent_memory_used_bytes', 'gauge'],
    ['wgdashboard_agent_memory_percent', 'gauge'],
    ['wgdashboard_agent_disk_used_bytes', 'gauge'],
    ['wireguard_interface_count', 'gauge'],
    ['wireguard_peers_total', 'gauge'],
    ['wireguard_peers_active', 'gauge'],
    ['wireguard_interface_receive_bytes_total', 'counter'],
    ['wireguard_interface_transmit_bytes_total', 'counter'],
    ['wireguard_peer_receive_bytes_total', 'counter'],
    ['wireguard_peer_transmit_bytes_total', 'counter'],
    ['wireguard_peer_last_handshake_seconds', 'gauge'],
  ];
  let lines: string[];
  beforeAll(async () => {
    const reply = await agent.call({ method: 'GET', path: '/v1/metrics' });
    expect(reply.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(reply.text.endsWith('\n')).toBe(true);
    lines = reply.text.split('\n');
  });
  const words = (keyword: string): string[][] =>
    lines.filter((line) => line.startsWith(`# ${keyword} `)).map((line) => line.split(' ').slice(2));

  test('has each family of the old contract once, with one HELP and one TYPE', () => {
    expect(words('TYPE').sort()).toEqual([...FAMILIES].sort());
    expect(
      words('HELP')
        .map(([family = '']) => family)
        .sort(),
    ).toEqual(FAMILIES.map(([family]) => family).sort());
  });

  test('keeps the samples of a family together, behind its TYPE', () => {
    let family = '';
    const closed = new Set<string>();
    for (const line of lines.filter((text) => text !== '')) {
      const own = line.startsWith('# ') ? (line.split(' ')[2] ?? '') : (/^[a-z_]+/.exec(line)?.[0] ?? '');
      if (own === family) continue;
      expect(closed.has(own)).toBe(false);
      expect(line).toMatch(/^# HELP /);
      closed.add(family);
      family = own;
    }
  });

  test.each(FAMILIES.slice(0, 5))('has one number for %s', (family = '') => {
    const samples = lines.filter((line) => line.startsWith(`${family} `));
    expect(samples).toHaveLength(1);
    expect(Number(samples[0]?.split(' ')[1])).toBeGreaterThanOrEqual(0);
  });

  test('may be asked again and again', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { text } = await agent.call({ method: 'GET', path: '/v1/metrics' });
      expect(text.split('\n').filter((line) => line.startsWith('# TYPE '))).toHaveLength(FAMILIES.length);
    }
  });
});

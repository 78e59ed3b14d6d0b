import { describe, expect, test } from '@jest/globals';
import type { Device } from '../../../agent/core/device.ts';
import type { Snapshot } from '../../../agent/apply/snapshot.ts';
import { EndpointNames } from '../../../agent/apply/endpoint-names.ts';
import type { AgentContext } from '../../../agent/operations/context.ts';
import { configResponse } from '../../../agent/operations/get-config.ts';
import type { ConfigResponse, PutConfigResponse } from '../../../agent/protocol/messages.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { EMPTY_CONFIG } from '../../../agent/protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../../../agent/protocol/wgquick/document.ts';
import { aDevice, PRIVATE_KEY } from '../../../test/fixtures/device.ts';
import { isConfigResponse, isPutResponse } from './parse-response.ts';
import { isHealthResponse } from '../http/health.ts';

const FILE = `[Interface]
PrivateKey = ${PRIVATE_KEY}
ListenPort = 51820
Address = 10.7.0.1/24
MTU = 1400
DNS = 192.0.2.53, example.org
Table = off
PostUp = iptables -A FORWARD -i %i -j ACCEPT
SaveConfig = false
`;

/** What of its context the agent needs for this answer. */
const context = {
  interfaces: { open: () => ({ names: new EndpointNames() }) },
  settings: { readBackKeys: false },
  host: { state: { digestKey: new Secret('digest-key') } },
} as unknown as AgentContext;

/** The answer of our agent, as it stands on the wire, for a host with this file and this device. */
function responseFor(fileText: string | null, device: Device | null): ConfigResponse {
  const document = parseDocument(fileText ?? '');
  const file = fileText === null ? null : interfaceOf(document);
  const snapshot: Snapshot = {
    ...{ fileText, document, file, device },
    runningText: device === null ? null : fileText,
    running: file ?? EMPTY_CONFIG,
    ledger: null,
    owner: null,
    name: 'wg0',
    table: null,
    effects: [],
  };
  return JSON.parse(JSON.stringify(configResponse(context, 'wg0', snapshot))) as ConfigResponse;
}

const config = responseFor(FILE, aDevice({ mtu: 1_380, fwMark: 51_820 }));

const put: PutConfigResponse = {
  status: 'success',
  message: 'Configuration applied',
  reloaded: true,
  changed: true,
  plan: [{ action: 'set-mtu', path: 'spec.interface.mtu', impact: 'None' }],
  impact: 'None',
  outage_ms: 0,
  digest: 'digest',
};

/** A copy in which the value at a path, such as `spec.mtu` or `drift.0.path`, is another one; undefined = it is left out. */
function spoilt(response: object, path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(response)) as Record<string, unknown>;
  const [last = '', ...above] = path.split('.').reverse();
  const parent = above.reduceRight((part, name) => part[name] as Record<string, unknown>, copy);
  if (!(last in parent)) throw new Error(`${path} is not there to be spoilt`);
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
  return copy;
}

const wrong = (path: string, ...values: unknown[]): (readonly [string, unknown])[] =>
  values.map((value) => [path, value] as const);

describe('isConfigResponse', () => {
  test.each([
    { name: 'an interface that is up', response: config },
    { name: 'an interface that is down', response: responseFor(FILE, null) },
    { name: 'a device without a file', response: responseFor(null, aDevice()) },
    { name: 'a file without any setting', response: responseFor('[Interface]\n', null) },
    { name: 'neither file nor device', response: responseFor(null, null) },
    {
      name: 'an agent that says more than we know of',
      response: { ...config, further: { of: ['a', 'later', 'one'] } },
    },
  ])('takes what our agent says of $name', ({ response }) => {
    expect(isConfigResponse(response)).toBe(true);
  });

  test('the answer on which the table below is built has drift', () => {
    expect(config.drift).toEqual([{ path: 'spec.interface.mtu', file: '1400', live: '1380', impact: 'None' }]);
  });

  test.each([
    ...wrong('interface', undefined, null, 7, 'x'.repeat(16)),
    ...wrong('state', undefined, null, 'UP', 'broken', true),
    ...wrong('public_key', undefined, 7, 'x'.repeat(45)),
    ...wrong('live_public_key', undefined, 7, 'x'.repeat(45)),
    ...wrong('digest', undefined, null, 7, 'x'.repeat(129)),
    ...wrong('spec', undefined, null, [], 'x'),
    ...wrong('spec.listen_port', undefined, '51820', -1, 1.5, 65_536),
    ...wrong('spec.address', undefined, null, '10.0.0.1/24', [7], [null], ['x'.repeat(65)]),
    ...wrong('spec.mtu', undefined, '1400', -1, 1.5, 65_536),
    ...wrong('spec.dns', undefined, null, '192.0.2.53', [7], ['x'.repeat(1_025)]),
    ...wrong('spec.table', undefined, 7, 'x'.repeat(65)),
    ...wrong('spec.fw_mark', undefined, '1', -1, 1.5, 0x1_0000_0000),
    ...['pre_up', 'post_up', 'pre_down', 'post_down'].flatMap((name) =>
      wrong(`spec.${name}`, undefined, null, 'x', [7], ['x'.repeat(65_537)]),
    ),
    ...wrong('spec.save_config', undefined, null, 'false'),
    ...wrong('live', undefined, [], 'x'),
    ...wrong('live.listen_port', undefined, null, '51820', -1, 1.5, 65_536),
    ...wrong('live.fw_mark', undefined, '1', -1, 1.5, 0x1_0000_0000),
    ...wrong('live.address', undefined, null, '10.7.0.1/24', [7], ['x'.repeat(50)]),
    ...wrong('live.mtu', undefined, null, '1400', -1, 1.5, 65_536),
    ...wrong('live.link_up', undefined, null, 'true'),
    ...wrong('live.peer_count', undefined, null, '1', -1, 1.5),
    ...wrong('drift', undefined, null, {}, 'x', [null]),
    ...wrong('drift.0.path', undefined, null, 7, '', 'mtu', 'spec.interface.', 'spec.interface.mtu\nspec.interface.x'),
    ...wrong('drift.0.path', `spec.interface.${'x'.repeat(33)}`, 'metadata.name'),
    ...wrong('drift.0.file', undefined, null, 7, 'x'.repeat(65_537)),
    ...wrong('drift.0.live', undefined, null, 7, 'x'.repeat(65_537)),
    ...wrong('drift.0.impact', undefined, null, 'none', 'Reboot'),
  ])('refuses it with another %s: %j', (path, value) => {
    expect(isConfigResponse(spoilt(config, path, value))).toBe(false);
  });

  test('refuses an interface that is up without a device, which would pass for nothing to compare', () => {
    expect(isConfigResponse({ ...config, live: null })).toBe(false);
    expect(isConfigResponse({ ...config, live: null, state: 'down' })).toBe(true);
  });

  test.each([
    ['spec.address', 1_025, '10.0.0.1/24'],
    ['spec.post_up', 1_025, 'x'],
    ['live.address', 4_097, '10.0.0.1/24'],
  ])('refuses more of %s than anybody has: %d', (path, count, item) => {
    expect(isConfigResponse(spoilt(config, path, Array(count).fill(item)))).toBe(false);
    expect(isConfigResponse(spoilt(config, path, Array(count - 1).fill(item)))).toBe(true);
  });

  test.each([null, [], 'text', 7, {}, undefined])('refuses what is no answer at all: %j', (response) => {
    expect(isConfigResponse(response)).toBe(false);
  });
});

describe('isPutResponse', () => {
  test.each<{ name: string; response: PutConfigResponse }>([
    { name: 'a change', response: put },
    { name: 'no change', response: { ...put, changed: false, reloaded: false, plan: [] } },
    { name: 'what went wrong without ending it', response: { ...put, warnings: ['preDown[0] failed'] } },
    { name: 'a restart with an outage', response: { ...put, impact: 'Restart', outage_ms: 340 } },
  ])('takes what our agent says of $name', ({ response }) => {
    expect(isPutResponse(response)).toBe(true);
  });

  test.each([
    ...wrong('changed', undefined, null, 'true'),
    ...wrong('impact', undefined, null, 'none', 'Reboot'),
    ...wrong('warnings', 'x', [1], Array(9).fill('x'), ['x'.repeat(257)]),
    ...wrong('outage_ms', undefined, null, '0', -1, 1.5, 2 ** 31),
    ...wrong('digest', undefined, null, 7, 'x'.repeat(129)),
    ...wrong('plan', undefined, null, {}, [null]),
    ...wrong('plan.0.action', undefined, null, 7, 'x'.repeat(65)),
    ...wrong('plan.0.path', undefined, null, 7, 'mtu', 'spec.interface.', 'spec.agent.url'),
    ...wrong('plan.0.impact', undefined, null, 'none', 'Reboot'),
  ])('refuses it with another %s: %j', (path, value) => {
    expect(isPutResponse(spoilt({ ...put, warnings: [] }, path, value))).toBe(false);
  });

  test('refuses the answer of the old agent, which proves nothing', () => {
    const { status, message, reloaded } = put;
    expect(isPutResponse({ status, message, reloaded })).toBe(false);
  });
});

describe('isHealthResponse', () => {
  const ours = { status: 'ok', version: '0.1.0', name: 'wgnode-agent', epoch: 'e', time: 1, capabilities: ['plan'] };

  test.each([
    ['our agent', ours],
    ['the old agent', { status: 'ok', timestamp: 1, uptime: 1, version: '2.2.0' }],
  ])('takes that of %s', (_whose, health) => {
    expect(isHealthResponse(health)).toBe(true);
  });

  test.each([
    ...wrong('version', undefined, null, 2, 'x'.repeat(257)),
    ...wrong('name', null, 7),
    ...wrong('epoch', null, 7),
    ...wrong('time', null, '1'),
    ...wrong('capabilities', null, 'plan', [7]),
  ])('refuses it with another %s: %j', (path, value) => {
    expect(isHealthResponse(spoilt(ours, path, value))).toBe(false);
  });
});

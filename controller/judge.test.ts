import { describe, expect, test } from '@jest/globals';
import { type Impact, isAbove } from '../agent/protocol/impact.ts';
import { publicKeyOf } from '../agent/protocol/key.ts';
import type { ConfigAnswer, HealthAnswer, PutConfigAnswer, PutConfigBody } from '../agent/protocol/messages.ts';
import { Secret } from '../agent/protocol/secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../agent/protocol/wgquick/config.ts';
import { configFromPut, specFromConfig } from '../agent/protocol/wgquick/wire.ts';
import { ManualClock } from '../test/support/manual-clock.ts';
import { nodeWith } from '../test/support/node-builder.ts';
import type { AgentClient, ConfigRead } from './agents/agent-client.ts';
import { AgentRefused, AgentUnreachable } from './agents/agent-error.ts';
import type { ManagementSpec, WireGuardNode } from './api/wireguardnode.generated.ts';
import { judge, type JudgeParts } from './judge.ts';
import { createMemories, type Memory } from './memory.ts';
import { desired } from './reconcile/desired.ts';
import type { Verdict } from './reconcile/verdict.ts';
import { createKeyLock } from './runtime/key-lock.ts';

const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
const HEALTH: HealthAnswer = { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0', name: 'wgnode-agent' };
const MTU = 'spec.interface.mtu';
const MINUTE_MS = 60_000;

const refusedWith = (agentCode: string): AgentRefused =>
  new AgentRefused(`no: ${agentCode}`, { status: 409, agentCode, details: [] });

const refuse = (agentCode: string) => (): never => {
  throw refusedWith(agentCode);
};

/** A host with one interface, up or absent: what a PUT asks for is what a read then shows. */
class ModelHost implements AgentClient {
  config: InterfaceConfig | undefined;
  /** What any change of it does to its traffic. */
  impact: Impact = 'None';
  reads = 0;
  readonly puts: PutConfigBody[] = [];
  /** What happens on the host between the arrival of a PUT and its work; may throw the answer. */
  meanwhile: (body: PutConfigBody) => Promise<void> | void = () => undefined;
  /** Thrown instead of an answer to any read. */
  unreadable: Error | undefined;
  /** Reports success and does nothing. */
  isIdle = false;

  edit(over: Partial<InterfaceConfig>): void {
    this.config = { ...(this.config ?? EMPTY_CONFIG), ...over };
  }

  health(): Promise<HealthAnswer> {
    return this.unreadable === undefined ? Promise.resolve(HEALTH) : Promise.reject(this.unreadable);
  }

  readConfig(_name: string, etag: string | undefined): Promise<ConfigRead> {
    this.reads += 1;
    if (this.unreadable !== undefined) return Promise.reject(this.unreadable);
    if (this.config === undefined) return Promise.resolve({ kind: 'absent' });
    const answer = answerOf(this.config);
    if (answer.digest === etag) return Promise.resolve({ kind: 'unchanged' });
    return Promise.resolve({ kind: 'present', answer, etag: answer.digest });
  }

  async putConfig(_name: string, body: PutConfigBody): Promise<PutConfigAnswer> {
    this.puts.push(body);
    await this.meanwhile(body);
    const { dry_run: isDry = false, if_digest: digest, max_impact: limit = 'Restart' } = body.options ?? {};
    if (digest !== undefined && digest !== digestOf(this.config)) throw refusedWith('digest_moved');
    if (!isDry && isAbove(this.impact, limit)) throw refusedWith('impact_not_allowed');
    if (!isDry && !this.isIdle) this.config = configFromPut(body, this.config ?? EMPTY_CONFIG);
    const common = { status: 'success', message: '', reloaded: false, digest: digestOf(this.config) } as const;
    const plan = [{ action: 'set-mtu', path: MTU, impact: this.impact }];
    return { ...common, changed: true, plan, impact: this.impact, outage_ms: this.impact === 'Restart' ? 340 : 0 };
  }

  readonly setState = (): Promise<never> => Promise.reject(new Error('The state goes with the PUT'));
  readonly remove = (): Promise<never> => Promise.reject(new Error('Only a deletion removes'));
  readonly close = (): Promise<void> => Promise.resolve();
}

const digestOf = (config: InterfaceConfig | undefined): string =>
  JSON.stringify([config ?? null, config?.privateKey?.reveal()]);

function answerOf(config: InterfaceConfig): ConfigAnswer {
  const publicKey = config.privateKey === null ? null : publicKeyOf(config.privateKey);
  return {
    interface: 'wg0',
    config: {
      ...{ private_key: null, listen_port: null, address: null, post_up: null, pre_down: null },
      ...{ mtu: null, dns: null, table: null, raw_config: '' },
    },
    spec: specFromConfig(config, false),
    live: {
      ...{ listen_port: config.listenPort ?? 34_567, fw_mark: config.fwMark, address: config.addresses },
      ...{ mtu: config.mtu ?? 1_420, link_up: true, peer_count: 2 },
    },
    state: 'up',
    public_key: publicKey,
    live_public_key: publicKey,
    unmanaged: [],
    drift: [],
    digest: digestOf(config),
  };
}

type Edit = (node: WireGuardNode) => void;

/** A node whose spec was applied before, unless the edit says otherwise. */
const appliedNode = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.spec.interface, { listenPort: 51_820, addresses: ['10.0.0.1/24'], mtu: 1_400 });
    const { specHash, publicKey } = desired(node, KEY);
    node.status.applied = { generation: 3, specHash, publicKey, url: node.spec.agent.url };
    edit(node);
  });

interface Bench {
  readonly host: ModelHost;
  readonly clock: ManualClock;
  readonly memory: Memory;
  /** One entry each time that status was to say that a change is under way. */
  readonly slow: string[];
  readonly look: (over?: Partial<JudgeParts>) => Promise<Verdict>;
}

/** A node and its host, which has what the node wants, but for `drift`. */
function bench(node: WireGuardNode, drift?: Partial<InterfaceConfig>): Bench {
  const [host, clock] = [new ModelHost(), new ManualClock()];
  host.edit({ ...desired(appliedNode(), KEY).config, ...drift });
  const memory = createMemories().of('edge/fra1-wg0', node.metadata.uid);
  const slow: string[] = [];
  const parts: JudgeParts = {
    pool: { get: () => host, close: () => Promise.resolve() },
    hosts: createKeyLock(),
    clock,
    signal: new AbortController().signal,
    slow: () => slow.push('applying'),
    isCurrent: () => true,
  };
  const agentSecret = { kind: 'found', data: new Map([['hmac-key', new Secret('x'.repeat(32))]]) } as const;
  const keySecret = { kind: 'found', data: new Map([['privateKey', KEY]]) } as const;
  const policy = { allowHttpAgents: false, minSignature: 'v1' } as const;
  const input = { node, agentSecret, keySecret, rivals: [], policy };
  return { host, clock, memory, slow, look: (over = {}) => judge(input, memory, { ...parts, ...over }) };
}

const DRIFT = { mtu: 1_300 };
const managed =
  (over: Partial<ManagementSpec>): Edit =>
  ({ spec }) => {
    Object.assign(spec.management, over);
  };
const observing = managed({ mode: 'Observe' });

describe('a host', () => {
  test('I5: that is as wanted is left alone', async () => {
    const { host, memory, look } = bench(appliedNode());
    expect(await look()).toMatchObject({ kind: 'in-sync', change: undefined, seen: { health: HEALTH } });
    expect([host.puts, memory.client]).toEqual([[], host]);
  });

  test('without the interface gets it, as the node wants it', async () => {
    const node = appliedNode(({ status }) => {
      delete status.applied;
    });
    const { host, look } = bench(node);
    host.config = undefined;
    host.impact = 'Restart';
    expect(await look()).toMatchObject({
      kind: 'in-sync',
      change: { cause: 'Created', impact: 'Restart', outageMs: 340, corrected: [] },
    });
    expect(host.config).toEqual(desired(node, KEY).config);
    expect(host.puts[0]?.options).toMatchObject({ state: 'up', max_impact: 'Restart' });
  });

  test('that was changed is put right, and the fields are told', async () => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    expect(await look()).toMatchObject({
      kind: 'in-sync',
      change: { cause: 'DriftCorrected', impact: 'None', outageMs: 0, corrected: [MTU] },
      seen: { answer: { spec: { mtu: 1_400 } } },
    });
    expect(host.config?.mtu).toBe(1_400);
    expect(memory.corrections).toEqual([{ path: MTU, atMs: 0 }]);
  });

  test('that cannot be reached is unreachable, by its rung', async () => {
    const { host, look } = bench(appliedNode());
    host.unreadable = new AgentUnreachable('TLSFailed', 'expired');
    expect(await look()).toEqual({ kind: 'unreachable', rung: 'TLSFailed', message: 'expired' });
  });

  test('that will not let its interface be read is a refusal', async () => {
    const { host, look } = bench(appliedNode());
    host.unreadable = refusedWith('not_wireguard');
    expect(await look()).toMatchObject({ kind: 'refused', refusal: { reason: 'ConfigRefused' } });
  });

  test('whose change lasts says after two seconds that it is under way, once', async () => {
    const { host, clock, slow, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = async () => {
      await clock.advance(1_999);
      expect(slow).toEqual([]);
      await clock.advance(60_000);
    };
    expect(await look()).toMatchObject({ kind: 'in-sync' });
    expect([slow, clock.pending]).toEqual([['applying'], 0]);
  });
});

describe('a change that the agent does not make', () => {
  test.each([
    ['invalid_config', 'ConfigRefused'],
    ['hooks_off', 'HookNotAllowed'],
    ['invalid_hook', 'HookNotAllowed'],
    ['interface_not_allowed', 'ConfigRefused'],
  ])('for %s is the refusal %s, with what was seen', async (code, reason) => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = refuse(code);
    expect(await look()).toMatchObject({ kind: 'refused', refusal: { reason }, seen: { health: HEALTH } });
    expect([host.config?.mtu, memory.corrections]).toEqual([1_300, []]);
  });

  test('for its impact shows the plan that waits', async () => {
    const { host, look } = bench(appliedNode(managed({ maxImpact: 'Rehandshake' })), DRIFT);
    host.impact = 'Restart';
    expect(await look()).toMatchObject({
      kind: 'impact-not-allowed',
      differences: [{ path: MTU }],
      plan: { impact: 'Restart', steps: [{ action: 'set-mtu', path: MTU, impact: 'Restart' }] },
    });
    expect(host.puts.map(({ options }) => options?.dry_run)).toEqual([undefined, true]);
    expect(host.config?.mtu).toBe(1_300);
  });

  test('as it failed and was undone is apply-failed, with the host as it is then', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      host.edit({ mtu: 1_310 });
      throw refusedWith('apply_failed');
    };
    expect(await look()).toMatchObject({ kind: 'apply-failed', seen: { answer: { spec: { mtu: 1_310 } } } });
  });

  test('although it says so is apply-failed: only the read-back counts', async () => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    host.isIdle = true;
    const verdict = await look();
    expect(verdict).toMatchObject({ kind: 'apply-failed', seen: { answer: { spec: { mtu: 1_300 } } } });
    expect(verdict.kind === 'apply-failed' && verdict.message).toContain(MTU);
    expect(memory.corrections).toEqual([]);
  });

  test('as the answer was lost is unreachable, and the next look starts anew', async () => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      throw new AgentUnreachable('ConnectionTimeout', 'no answer');
    };
    expect(await look()).toMatchObject({ kind: 'unreachable', rung: 'ConnectionTimeout' });
    expect(memory.corrections).toEqual([]);
  });
});

describe('a decision that no longer holds', () => {
  test('as the host moved after it was read is given up', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      host.edit({ mtu: 1_310 });
    };
    await expect(look()).rejects.toMatchObject({ code: 'superseded' });
    expect(host.config?.mtu).toBe(1_310);
  });

  test('as the object moved while it waited for its turn is given up before anything is sent', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    const hosts = createKeyLock();
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    const { url } = appliedNode().spec.agent;
    const former = hosts.run(url, () => held);
    let isCurrent = true;
    const looked = look({ hosts, isCurrent: () => isCurrent });
    await new Promise((resolve) => setImmediate(resolve));
    isCurrent = false;
    release(undefined);
    await former;
    await expect(looked).rejects.toMatchObject({ code: 'superseded' });
    expect(host.puts).toEqual([]);
  });
});

describe('contention: a field that somebody else keeps changing', () => {
  /** The kinds of so many looks, a minute apart, with the drift made anew before each. */
  async function fight({ host, clock, look }: Bench, rounds: number): Promise<string[]> {
    const kinds: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      host.edit(DRIFT);
      kinds.push((await look()).kind);
      await clock.advance(MINUTE_MS);
    }
    return kinds;
  }

  test('is given up after five corrections, and then no longer sent', async () => {
    const field = bench(appliedNode());
    const corrected = Array<string>(5).fill('in-sync');
    expect(await fight(field, 7)).toEqual([...corrected, 'contended', 'contended']);
    expect(field.host.puts).toHaveLength(5);
    expect(await field.look()).toMatchObject({ kind: 'contended', path: MTU, differences: [{ path: MTU }] });
  });

  test.each<{ name: string; edit?: Edit; host: Partial<ModelHost>; kind: string }>([
    {
      name: 'of which none may be made',
      edit: managed({ maxImpact: 'None' }),
      host: { impact: 'Restart' },
      kind: 'impact-not-allowed',
    },
    { name: 'of which none succeeds', host: { meanwhile: refuse('apply_failed') }, kind: 'apply-failed' },
    { name: 'of which none proves true', host: { isIdle: true }, kind: 'apply-failed' },
    { name: 'all refused', host: { meanwhile: refuse('invalid_config') }, kind: 'refused' },
  ])('is not six corrections $name', async ({ edit, host, kind }) => {
    const field = bench(appliedNode(edit));
    Object.assign(field.host, host);
    expect(await fight(field, 6)).toEqual(Array(6).fill(kind));
    expect(field.memory.corrections).toEqual([]);
  });

  test('is not what a person asks for with a reconcile request', async () => {
    const field = bench(
      appliedNode(({ metadata }) => {
        metadata.annotations = { 'wgnode.dev/reconcile-requested-at': 'now' };
      }),
    );
    expect(await fight(field, 6)).toEqual(Array(6).fill('in-sync'));
    expect(field.memory.corrections).toEqual([]);
  });

  test('starts anew with a new spec', async () => {
    const field = bench(
      appliedNode(({ spec }) => {
        spec.interface.listenPort = 51_821;
      }),
    );
    field.memory.corrections = [1, 2, 3, 4, 5].map(() => ({ path: MTU, atMs: 0 }));
    expect(await fight(field, 1)).toEqual(['in-sync']);
    expect(field.memory.corrections).toEqual([]);
  });
});

describe('Observe', () => {
  test('of a host that differs asks for the plan and changes nothing', async () => {
    const { host, look } = bench(appliedNode(observing), DRIFT);
    const plan = { impact: 'None', steps: [{ path: MTU }] };
    const drifted = { kind: 'drifted', differences: [{ path: MTU }], plan };
    expect([await look(), await look()]).toMatchObject([drifted, drifted]);
    expect(host.puts.map(({ options }) => options?.dry_run)).toEqual([true, true]);
    expect(host.config?.mtu).toBe(1_300);
  });

  test('of a host that is as wanted asks for nothing more', async () => {
    const { host, look } = bench(appliedNode(observing));
    expect(await look()).toMatchObject({ kind: 'in-sync', change: undefined });
    expect(host.puts).toEqual([]);
  });

  test('of what the agent would refuse is that refusal', async () => {
    const { host, look } = bench(appliedNode(observing), DRIFT);
    host.meanwhile = refuse('invalid_hook');
    expect(await look()).toMatchObject({ kind: 'refused', refusal: { reason: 'HookNotAllowed' } });
  });
});

describe('nothing is asked of the host', () => {
  test.each<{ name: string; edit: Edit; expected: object }>([
    {
      name: 'of a suspended node',
      edit: ({ spec }) => {
        spec.suspend = true;
      },
      expected: { kind: 'suspended', specMoved: false },
    },
    {
      name: 'of a suspended node whose spec was changed, which is told',
      edit: ({ spec }) => {
        Object.assign(spec, { suspend: true, interface: { ...spec.interface, mtu: 1_280 } });
      },
      expected: { kind: 'suspended', specMoved: true },
    },
    {
      name: 'of a node that a check refuses',
      edit: ({ spec }) => {
        spec.agent.url = 'https://1.2.3.999:8443';
      },
      expected: { kind: 'refused', refusal: { reason: 'InvalidSpec' } },
    },
  ])('$name', async ({ edit, expected }) => {
    const { host, memory, look } = bench(appliedNode(edit), DRIFT);
    expect(await look()).toMatchObject(expected);
    expect([host.reads, host.puts, memory.client]).toEqual([0, [], undefined]);
  });
});

import type { ErrorCode } from '../../agent/protocol/errors.ts';
import { type Impact, isAbove } from '../../agent/protocol/impact.ts';
import type { ConfigAnswer, HealthAnswer, PutConfigAnswer, PutConfigBody } from '../../agent/protocol/messages.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import { configFromPut, specFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import type { AgentClient, ConfigRead } from '../../controller/agents/agent-client.ts';
import { AgentRefused } from '../../controller/agents/agent-error.ts';
import type { ManagementSpec, WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import { judge, type JudgeParts } from '../../controller/judge.ts';
import { createMemories, type Memory } from '../../controller/memory.ts';
import { desired } from '../../controller/reconcile/desired.ts';
import type { Outcome } from '../../controller/reconcile/outcome.ts';
import { createKeyLock } from '../../controller/runtime/key-lock.ts';
import { ManualClock } from './manual-clock.ts';
import { nodeWith } from './node-builder.ts';

export const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
export const HEALTH: HealthAnswer = { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0', name: 'wgnode-agent' };
export const MTU = 'spec.interface.mtu';

export const refusedWith = (agentCode: ErrorCode, rolledBack?: boolean): AgentRefused =>
  new AgentRefused(`no: ${agentCode}`, { status: 409, agentCode, details: [], rolledBack });

export const refuse = (agentCode: ErrorCode) => (): never => {
  throw refusedWith(agentCode);
};

/** A host with one interface, up or absent: what a PUT asks for is what a read then shows. */
export class ModelHost implements AgentClient {
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
    if (digest !== undefined && digest !== digestOf(this.config)) throw refusedWith('digest_mismatch');
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
  JSON.stringify([config ?? null, config?.privateKey?.privateKey?.reveal()]);

function answerOf(config: InterfaceConfig): ConfigAnswer {
  const publicKey = config.privateKey?.publicKey ?? null;
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

export type Edit = (node: WireGuardNode) => void;

/** A node whose spec was applied before, unless the edit says otherwise. */
export const appliedNode = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.spec.interface, { listenPort: 51_820, addresses: ['10.0.0.1/24'], mtu: 1_400 });
    const { specHash, publicKey } = desired(node, KEY);
    node.status.applied = { generation: 3, specHash, publicKey, url: node.spec.agent.url };
    edit(node);
  });

export interface Bench {
  readonly host: ModelHost;
  readonly clock: ManualClock;
  readonly memory: Memory;
  /** One entry each time that status was to say that a change is under way. */
  readonly slow: string[];
  readonly look: (over?: Partial<JudgeParts>) => Promise<Outcome>;
}

/** A node and its host, which has what the node wants, but for `drift`. */
export function bench(node: WireGuardNode, drift?: Partial<InterfaceConfig>): Bench {
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
  const input = { node, agentSecret, keySecret, conflicting: [], policy };
  return { host, clock, memory, slow, look: (over = {}) => judge(input, memory, { ...parts, ...over }) };
}

export const DRIFT = { mtu: 1_300 };
export const managed =
  (over: Partial<ManagementSpec>): Edit =>
  ({ spec }) => {
    Object.assign(spec.management, over);
  };

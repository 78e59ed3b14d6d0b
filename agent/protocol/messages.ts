import type { Impact } from './impact.ts';
import { CLAIM_SCHEMA, type Claim, type Owner } from './owner.ts';
import type { InvalidLine } from './wgquick/invalid-lines.ts';
import { PUT_PROPERTIES, type SentFields, type WireSpec } from './wgquick/wire.ts';

/** The HTTP messages of the agent, as they stand on the wire. What is beside the old agent's contract is additive. */

/** What our agent can do beyond the old contract; a client asks for nothing that is not listed here. */
export const CAPABILITIES = [
  'config-lists',
  'config-live',
  'plan',
  'dry-run',
  'if-digest',
  'etag',
  'state',
  'delete',
  'firewall',
  'owner',
  'read-back',
  'keep-key',
] as const;

/** `name` in the response to /health of our agent; the old one says none. */
export const AGENT_NAME = 'wgnode-agent';

/** GET /health, no authentication. */
export interface HealthResponse {
  readonly status: 'ok';
  /** Unix seconds. */
  readonly timestamp: number;
  /** Seconds since the host booted. */
  readonly uptime: number;
  readonly version: string;
  readonly name?: string;
  readonly capabilities?: readonly string[];
  /** A random id, new whenever the agent's state directory is new. */
  readonly epoch?: string;
  /** Unix milliseconds, to see clock skew. */
  readonly time?: number;
}

/** What the kernel has. */
export interface WireLive {
  readonly listen_port: number;
  readonly fw_mark: number | null;
  readonly address: readonly string[];
  readonly mtu: number;
  /** Administratively up. */
  readonly link_up: boolean;
  readonly peer_count: number;
}

/** One field in which file and kernel differ; texts for people, a key as its public half. */
export interface WireDrift {
  readonly path: string;
  readonly file: string;
  readonly live: string;
  readonly impact: Impact;
}

/** A command of an up hook that leaves something on the host which one can look at. */
export interface WireHook {
  /** `pre_up` or `post_up`, and the place of its line there, from 0. */
  readonly list: string;
  readonly line: number;
  /** As a canonical line; keys in it are marked. */
  readonly command: string;
  /** Whether what it left is there; null = nobody can tell. */
  readonly present: boolean | null;
}

/** A peer whose endpoint is a name that nobody has resolved yet. */
export interface WireUnresolved {
  readonly public_key: string;
  /** `host:port`, as in the file. */
  readonly endpoint: string;
}

/** `up`: there is a device; `down`: a file alone; `absent`: neither. */
export type InterfaceState = 'up' | 'down' | 'absent';

/** GET /v1/wg/{i}/config. `config` is the old agent's view; key material in it is hidden unless the host allows read-back. */
export interface ConfigResponse {
  readonly interface: string;
  readonly config: {
    readonly private_key: string | null;
    readonly listen_port: number | null;
    readonly address: string | null;
    readonly post_up: string | null;
    readonly pre_down: string | null;
    readonly mtu: number | null;
    readonly dns: string | null;
    readonly table: string | null;
    readonly raw_config: string;
  };
  readonly spec: WireSpec;
  readonly live: WireLive | null;
  readonly state: InterfaceState;
  /** Of the private key in the file. */
  readonly public_key: string | null;
  /** Of the private key in the kernel. */
  readonly live_public_key: string | null;
  readonly unmanaged: readonly string[];
  /** Lines of the file whose value wg or wg-quick does not take; agents before 0.2 do not tell. */
  readonly invalid?: readonly InvalidLine[];
  /** Paths of fields in which the kernel is not as the file says and right all the same, as a hook made it so; agents before 0.2 do not tell. */
  readonly settled?: readonly string[];
  /** Peers without an address, as the name of their endpoint does not resolve; it is tried again. Agents before 0.3 do not tell. */
  readonly unresolved?: readonly WireUnresolved[];
  /** What the up hooks of a running interface left on the host; agents before 0.5 do not tell. */
  readonly hooks?: readonly WireHook[];
  /** Where file and kernel differ. */
  readonly drift: readonly WireDrift[];
  /** The object that it was last changed for; null = none. Agents before 0.6 do not tell. */
  readonly owner?: Owner | null;
  /** Changes with anything in the file and anything but counters, handshakes and endpoints in the kernel; also the ETag. */
  readonly digest: string;
}

/** Options of a PUT beyond the old contract. */
export interface PutOptions {
  /** Answer the plan and change nothing. */
  readonly dry_run?: boolean;
  /** Refuse a plan above this. */
  readonly max_impact?: Impact;
  /** Refuse when the digest has moved. */
  readonly if_digest?: string;
  /** Bring the interface to this state; absent = as it is now. */
  readonly state?: 'up' | 'down';
  /** Any token; makes two equal requests in one second different ones. */
  readonly request_id?: string;
  /** The object that this is for: refused (`owned`) while the interface is that of another one. Absent = as it is. */
  readonly owner?: Claim;
  /** The id of the one owner that the claim may replace. */
  readonly replaces?: string;
  /** The public half of the key that the host has: it stays, and `private_key` is not looked at. Refused (`digest_mismatch`) where it has another one. */
  readonly keep_key?: string;
  /** The answer holds what GET config would say now. */
  readonly read_back?: boolean;
}

/** PUT /v1/wg/{i}/config. */
export type PutConfigBody = SentFields & { readonly options?: PutOptions };

/** What GET config says, but for the view of the old agent. */
export type ReadBack = Omit<ConfigResponse, 'config'>;

/** One step of a plan as it is told. */
export interface WireStep {
  readonly action: string;
  /** What the step changes, as a path of the resource: `spec.interface.mtu`. */
  readonly path: string;
  readonly impact: Impact;
}

/** A peer as the kernel has it. */
export interface WirePeer {
  readonly public_key: string;
  /** Only where the host's policy reads keys back. */
  readonly preshared_key: string | null;
  readonly endpoint: string | null;
  readonly allowed_ips: readonly string[];
  /** Unix seconds; null = never. */
  readonly latest_handshake: number | null;
  readonly transfer_rx: number;
  readonly transfer_tx: number;
  /** Seconds; null = off. */
  readonly persistent_keepalive: number | null;
}

/** The answer to GET dump. */
export interface DumpResponse {
  readonly interface: string;
  readonly peers: readonly WirePeer[];
}

/** The answer to PUT config. `reloaded` is the old contract's: the running interface was touched. */
export interface PutConfigResponse {
  readonly status: 'success';
  readonly message: string;
  readonly reloaded: boolean;
  readonly changed: boolean;
  readonly plan: readonly WireStep[];
  readonly impact: Impact;
  /** How long the tunnel was down, ms; 0 when it was not. */
  readonly outage_ms: number;
  readonly digest: string;
  /** As it was read after the change, where `read_back` asked for it. */
  readonly after?: ReadBack;
  /** What went wrong without ending the change, as a hook of a teardown that failed; also in the answers to enable, disable and DELETE. Absent = nothing. */
  readonly warnings?: readonly string[];
}

/** JSON schema of PutConfigBody: limits before any work; the grammar of the values is judged in `protocol/validate.ts`. */
export const PUT_CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['private_key'],
  properties: {
    ...PUT_PROPERTIES,
    options: {
      type: 'object',
      additionalProperties: false,
      properties: {
        dry_run: { type: 'boolean' },
        max_impact: { enum: ['None', 'Rehandshake', 'Restart'] },
        if_digest: { type: 'string', maxLength: 128 },
        state: { enum: ['up', 'down'] },
        request_id: { type: 'string', maxLength: 64 },
        owner: CLAIM_SCHEMA,
        replaces: { type: 'string', maxLength: 64 },
        keep_key: { type: 'string', maxLength: 44 },
        read_back: { type: 'boolean' },
      },
    },
  },
} as const;

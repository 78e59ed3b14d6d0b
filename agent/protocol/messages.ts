import type { Impact } from './impact.ts';
import type { InvalidLine } from './wgquick/invalid-lines.ts';

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
] as const;

export const AGENT_NAME = 'wgnode-agent';

/** GET /health, no authentication. */
export interface HealthAnswer {
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

/** The interface part of the file; null and empty mean "not in the file". */
export interface WireSpec {
  readonly listen_port: number | null;
  readonly address: readonly string[];
  readonly mtu: number | null;
  readonly dns: readonly string[];
  /** `off`, a number as text, or null for wg-quick's `auto`. */
  readonly table: string | null;
  readonly fw_mark: number | null;
  readonly pre_up: readonly string[];
  readonly post_up: readonly string[];
  readonly pre_down: readonly string[];
  readonly post_down: readonly string[];
  readonly save_config: boolean;
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

export interface WireDrift {
  readonly path: string;
  readonly file: string;
  readonly live: string;
  readonly impact: Impact;
}

export type InterfaceState = 'up' | 'down' | 'absent';

/** GET /v1/wg/{i}/config. `config` is the old agent's view; key material in it is hidden unless the host allows read-back. */
export interface ConfigAnswer {
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
  /** Where file and kernel differ. */
  readonly drift: readonly WireDrift[];
  /** Changes with anything in the file and anything but counters, handshakes and endpoints in the kernel; also the ETag. */
  readonly digest: string;
}

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
}

/** PUT /v1/wg/{i}/config. Absent and null differ only for the fields that the old agent's panel never sends, or does not know. */
export interface PutConfigBody {
  readonly private_key: string;
  readonly listen_port?: number | null;
  /** Absent = kept. */
  readonly address?: string | readonly string[] | null;
  readonly post_up?: string | readonly string[] | null;
  readonly pre_down?: string | readonly string[] | null;
  readonly mtu?: number | null;
  readonly dns?: string | readonly string[] | null;
  /** Absent = kept. */
  readonly table?: string | null;
  /** Absent = kept, as the three below. */
  readonly fw_mark?: number | null;
  readonly pre_up?: string | readonly string[] | null;
  readonly post_down?: string | readonly string[] | null;
  readonly options?: PutOptions;
}

export interface WireStep {
  readonly action: string;
  /** What the step changes, as a path of the resource: `spec.interface.mtu`. */
  readonly path: string;
  readonly impact: Impact;
}

/** The answer to PUT config. `reloaded` is the old contract's: the running interface was touched. */
export interface PutConfigAnswer {
  readonly status: 'success';
  readonly message: string;
  readonly reloaded: boolean;
  readonly changed: boolean;
  readonly plan: readonly WireStep[];
  readonly impact: Impact;
  /** How long the tunnel was down, ms; 0 when it was not. */
  readonly outage_ms: number;
  readonly digest: string;
}

const text = (maxLength: number): object => ({ type: ['string', 'null'], maxLength });
const textOrList = (maxLength: number): object => ({
  anyOf: [
    { type: ['string', 'null'], maxLength: 65_536 },
    { type: 'array', maxItems: 64, items: { type: 'string', minLength: 1, maxLength } },
  ],
});
const whole = (minimum: number, maximum: number): object => ({ type: ['integer', 'null'], minimum, maximum });

/** JSON schema of PutConfigBody: limits before any work; the grammar of the values is judged in `protocol/validate.ts`. */
export const PUT_CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['private_key'],
  properties: {
    private_key: { type: 'string', maxLength: 64 },
    listen_port: whole(0, 65_535),
    address: textOrList(64),
    post_up: textOrList(1024),
    pre_down: textOrList(1024),
    mtu: whole(0, 65_535),
    dns: textOrList(253),
    table: text(32),
    fw_mark: whole(0, 0xffffffff),
    pre_up: textOrList(1024),
    post_down: textOrList(1024),
    options: {
      type: 'object',
      additionalProperties: false,
      properties: {
        dry_run: { type: 'boolean' },
        max_impact: { enum: ['None', 'Rehandshake', 'Restart'] },
        if_digest: { type: 'string', maxLength: 128 },
        state: { enum: ['up', 'down'] },
        request_id: { type: 'string', maxLength: 64 },
      },
    },
  },
} as const;

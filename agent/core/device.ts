import type { RoutingPart, RulePlace } from './default-routing.ts';
import type { Cidr } from '../protocol/address.ts';
import type { Secret } from '../protocol/secret.ts';
import type { DeviceSettings } from '../protocol/wgquick/field.ts';

/** A peer as the kernel has it. */
export interface Peer {
  readonly publicKey: string;
  readonly presharedKey: Secret | null;
  /** `ip:port`, configured or learnt. */
  readonly endpoint: string | null;
  readonly allowedIps: readonly Cidr[];
  /** Unix seconds; 0 = never. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Seconds; 0 = off. */
  readonly keepalive: number;
}

/** A unicast route through a device. */
export interface Route {
  readonly destination: Cidr;
  /** An iproute2 name or number. */
  readonly table: string;
  /** What else it says, as `ip route add` takes it: `via 10.7.0.2 metric 50`. Left out = nothing, or not known: `Backend.read` does not look. */
  readonly attributes?: string;
}

/** What the kernel has of one WireGuard device. */
export interface Device extends DeviceSettings {
  /** The kernel's number of it (ifindex): another device of the same name has another one until the next boot. */
  readonly index: number;
  readonly peers: readonly Peer[];
  /** Unicast routes whose device is this one. */
  readonly routes: readonly Route[];
  /** What is there of the routing of a default route; empty where wg-quick would make none. */
  readonly routing: readonly RoutingPart[];
  /** Where the rules of that routing stand. */
  readonly rulePlaces: readonly RulePlace[];
}

/** How a device was right after it came up, hooks included: what a hook set is right, and what is different later is drift. */
export type Baseline = DeviceSettings &
  Pick<Device, 'routes' | 'routing' | 'rulePlaces'> & {
    /** Networks of its addresses whose route a hook took; left out = none is known, as by agents before 0.6. */
    readonly bare?: readonly Cidr[];
  };

/** One run of a command of an up hook. `started` is written before it, so that a crash leaves no doubt that it may have acted. */
export interface HookRun {
  readonly list: 'preUp' | 'postUp';
  /** The place of its line in the list. */
  readonly line: number;
  /** As a canonical line; a line that runs in bash is one command, as it stands in the file. */
  readonly command: string;
  /** `missing`: it failed or did not run, and the device came up without what it sets up. */
  readonly outcome: 'started' | 'done' | 'failed' | 'missing';
}

/** What is known of a device beside the text that it was brought up from. */
export interface Ledger {
  /** Of the device that it is about; null = it is being made. */
  readonly index: number | null;
  /** Null = somebody else brought it up, or it is not wholly up yet. */
  readonly baseline: Baseline | null;
  /** The up hooks that ran, in order. */
  readonly hooks: readonly HookRun[];
  /** Effects of hooks (`keyOf`) that were not to be seen right after they ran: what never was there is not lost. */
  readonly unseen: readonly string[];
}

/** The ledger of a device of which nothing is known; `index`: null = it is being made. */
export const newLedger = (index: number | null): Ledger => ({ index, baseline: null, hooks: [], unseen: [] });

/** Seconds since the last handshake below which a peer counts as active. */
const ACTIVE_SECONDS = 180;

/** Whether the peer has had a handshake in the last 180 s. `nowMs`: Unix milliseconds. */
export const isActive = (peer: Peer, nowMs: number): boolean =>
  peer.latestHandshake > 0 && nowMs / 1000 - peer.latestHandshake < ACTIVE_SECONDS;

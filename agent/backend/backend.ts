import type { NamedEndpoint } from '../core/start-text.ts';
import type { Device, Peer, Route } from '../core/device.ts';
import type { PeerDeltas } from '../core/peer-deltas.ts';
import type { Step } from '../core/plan.ts';
import type { ActionOf } from '../protocol/steps.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { Document } from '../protocol/wgquick/document.ts';

/** A step that changes a device that stays up. */
export type LiveStep = Extract<Step, { readonly action: ActionOf<'wg' | 'ip' | 'routing' | 'resolver'> }>;

/** Is told that resolvconf(8) failed, and throws where that shall end what is under way. */
export type ResolverFailed = (error: unknown) => void;

/** Changes of a device that stays up. */
export interface LiveChange {
  readonly steps: readonly LiveStep[];
  /** What the steps lead to; keys and lists that no step holds are taken from it. */
  readonly desired: InterfaceConfig;
  /** Peers to which something is sent afterwards, so that far sides follow a new key or port at once. */
  readonly peers: readonly Peer[];
  readonly resolverFailed: ResolverFailed;
}

/** What an interface is brought up from. */
export interface StartConfig {
  /** The whole file. */
  readonly document: Document;
  /** What ran before: its endpoints stand in for names. Null = nothing. */
  readonly previous: Device | null;
  readonly resolverFailed: ResolverFailed;
}

/** The up hooks of the file, at their places; they throw where that shall end the set-up. */
export interface UpHooks {
  preUp(): Promise<void>;
  postUp(): Promise<void>;
}

/** How a device came up. */
export interface Started {
  /** Peers whose endpoint is a name that nobody has resolved yet. */
  readonly names: readonly NamedEndpoint[];
}

/** What there is to take away of an interface, whether its device is still there or not. */
export interface StopConfig {
  /** The text that it was brought up from. */
  readonly document: Document;
  /** The marks by which it may have routed, as far as they are known. */
  readonly marks: readonly number[];
  /** Whether its device may have another one by now: it was not looked at, or hooks ran since. */
  readonly asksMark: boolean;
  /** The number of its device (ifindex), to know it again where somebody moved or renamed it; null = not known. */
  readonly index: number | null;
  readonly resolverFailed: ResolverFailed;
}

/** The down hooks of the file, at their places. They never throw: half a tunnel is worse than none. */
export interface DownHooks {
  preDown(): Promise<void>;
  postDown(): Promise<void>;
}

/** What a device had that a new one in its place does not have by itself. */
export interface Restoration {
  /** Whole peers, endpoints included. */
  readonly peers: readonly Peer[];
  /** Null = the port is as it shall be. */
  readonly listenPort: number | null;
  /** Peers to which something is sent, so that they answer before their sessions run out. */
  readonly triggered: readonly Peer[];
}

/** A device, by its number, and the file that it was brought up from. */
export interface DeviceOfFile {
  readonly index: number;
  readonly document: Document;
}

/** The address of a peer whose endpoint is a name. */
export interface ResolvedEndpoint {
  readonly publicKey: string;
  /** `ip:port`, an IPv6 address in brackets. */
  readonly endpoint: string;
}

/**
 * The way to one WireGuard device. Methods throw AgentError, or what the system throws when the device goes while it is read; none of
 * them reads or writes the state folder or the file. Who calls holds the interface's lock.
 */
export interface Backend {
  /**
   * Null = no such device. `not_wireguard` for a device of that name that is none. `table`: whose routes are read; null and `off` = main.
   * `untouched`: the device as it was a moment ago, where nothing was done since that wg(8) would show: its keys and peers are taken over.
   */
  read(table: string | null | undefined, untouched?: Device | null): Promise<Device | null>;
  /** Routes of the device, with their `attributes`. `table`: as `read` takes it. One process a family that has any. */
  describeRoutes(routes: readonly Route[], table: string | null): Promise<readonly Route[]>;
  /** Asks wg for keys and peers ahead of the next `read`, which takes the answer if nothing was changed in between. */
  ask(): void;
  /**
   * What only wg knows of the device: keys, port, mark and peers, but nothing that moves by itself. Equal texts = nothing has changed;
   * it is secret. Null = no such device.
   */
  fingerprint(): Promise<string | null>;
  /** Carries out live steps, those of one group together. Stops at the first failure. */
  configure(change: LiveChange): Promise<void>;
  /**
   * Makes the device as `wg-quick up` does, but resolves no names. `taken`: somebody else has made it meanwhile, and it is left alone. A
   * failure throws and leaves nothing but what hooks did.
   */
  up(start: StartConfig, hooks: UpHooks): Promise<Started | 'taken'>;
  restore(restoration: Restoration): Promise<void>;
  /** Makes peers as they are given, and takes others away; all others stay as they are. An endpoint of null stays as it is. */
  setPeers(deltas: PeerDeltas): Promise<void>;
  /** Gives peers of that device that are still there their addresses, and chooses the MTU anew where the file leaves it open. */
  setEndpoints(endpoints: readonly ResolvedEndpoint[], device: DeviceOfFile): Promise<void>;
  /** Takes everything away as `wg-quick down` does. Throws when something of it is still there. */
  down(stop: StopConfig, hooks: DownHooks): Promise<void>;
  /** Takes away what a device left that went without us; nothing where there is a device of that name. */
  sweep(stop: StopConfig): Promise<void>;
}

/** All devices of the host. */
export interface Backends {
  open(name: string): Backend;
  /** The peers of every running WireGuard interface, by its name. */
  readAllPeers(): Promise<ReadonlyMap<string, readonly Peer[]>>;
}

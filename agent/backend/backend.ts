import type { Device, Peer } from '../core/device.ts';
import type { Step } from '../core/plan.ts';
import type { ActionOf } from '../protocol/steps.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';

/** A step that changes a device that stays up. */
export type LiveStep = Extract<Step, { readonly action: ActionOf<'wg' | 'ip' | 'resolver'> }>;

/** Changes of a device that stays up. */
export interface LiveChange {
  readonly steps: readonly LiveStep[];
  /** What the steps lead to; keys and lists that no step holds are taken from it. */
  readonly desired: InterfaceConfig;
  /** Peers to which something is sent afterwards, so that far sides follow a new key or port at once. */
  readonly peers: readonly Peer[];
}

/** The text that an interface is brought up from, and the file that holds it; the file's name is that of the interface. */
export interface StartFile {
  readonly path: string;
  readonly text: string;
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

/**
 * The way to one WireGuard device. Methods throw AgentError, or what the system throws when the device goes while it is read; none of
 * them reads or writes the state folder. Who calls holds the
 * interface's lock.
 */
export interface Backend {
  /** Null = no such device. `not_wireguard` for a device of that name that is none. `table`: whose routes are read; null and `off` = main. */
  read(table: string | null): Promise<Device | null>;
  /** Carries out live steps, those of one group together. Stops at the first failure. */
  configure(change: LiveChange): Promise<void>;
  /**
   * Brings it up with its hooks. `taken`: somebody else has made it meanwhile, and it is left alone. A failure throws and leaves no
   * device; what hooks did is the caller's to take back.
   */
  up(file: StartFile): Promise<'up' | 'taken'>;
  restore(restoration: Restoration): Promise<void>;
  /** Takes it down with its hooks. `stuck`: it is still there, as a hook before its end failed. */
  down(file: StartFile): Promise<'down' | 'stuck'>;
  /** Removes the device and nothing else; fine when there is none. */
  remove(): Promise<void>;
}

/** All devices of the host. */
export interface Backends {
  open(name: string): Backend;
  /** The peers of every running WireGuard interface, by its name. */
  readAllPeers(): Promise<ReadonlyMap<string, readonly Peer[]>>;
}

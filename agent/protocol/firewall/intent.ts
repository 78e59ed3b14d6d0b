/** Devices by name; left out = the interface itself or any other, as each type says. Networks as CIDRs or single addresses. */

/** Hides networks behind the address of the device that they leave by. Left out: any device but the tunnel, and what came through the tunnel. */
interface Masquerade {
  readonly outInterface?: string;
  readonly sources?: readonly string[];
}

/** As Masquerade, behind one address. */
interface Snat extends Masquerade {
  readonly toAddress: string;
}

/** Lets packets and their answers through, or drops them. Left out: in by the tunnel, out by any. */
interface Forward {
  readonly inInterface?: string;
  readonly outInterface?: string;
  readonly sources?: readonly string[];
  readonly destinations?: readonly string[];
  readonly protocol?: Protocol;
  readonly ports?: readonly number[];
  readonly action?: 'Accept' | 'Drop';
}

/** Sends what comes to a port of this host on. */
interface PortForward {
  readonly inInterface: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly toAddress: string;
  readonly toPort?: number;
  /** Hides who asked behind the tunnel, so that the answer comes back through it. */
  readonly masquerade?: boolean;
}

/** Bounds the segment size of TCP through the tunnel; left out = to the path MTU. */
interface MssClamp {
  readonly mss?: number;
}

/** Takes what comes to ports of this host. Left out: by any device. */
interface OpenPort {
  readonly inInterface?: string;
  readonly protocol: Protocol;
  readonly ports: readonly number[];
  readonly sources?: readonly string[];
}

/** Lets nothing of this host out beside the tunnel, but for these networks, answers, DHCP, neighbour discovery and the tunnel's own packets. */
interface KillSwitch {
  readonly allowedNetworks?: readonly string[];
}

/** Keeps peers from each other; these addresses all of them reach. */
interface PeerIsolation {
  readonly except?: readonly string[];
}

/** Makes this host forward packets. Left out: both families. It stays on when the interface goes: others may need it. */
interface IpForwarding {
  readonly families?: readonly Family[];
}

/** Sends what it selects to a table of routes of its own, with a default route through the tunnel unless told otherwise. */
interface PolicyRoute {
  readonly sources?: readonly string[];
  readonly destinations?: readonly string[];
  readonly inInterface?: string;
  readonly fwMark?: number;
  readonly table: number;
  readonly priority?: number;
  readonly defaultRoute?: boolean;
}

export type Protocol = 'TCP' | 'UDP';
export type Family = 'IPv4' | 'IPv6';

/** What a type has beside its name. */
export interface Members {
  readonly Masquerade: { readonly masquerade?: Masquerade };
  readonly SNAT: { readonly snat: Snat };
  readonly Forward: { readonly forward?: Forward };
  readonly PortForward: { readonly portForward: PortForward };
  readonly MSSClamp: { readonly mssClamp?: MssClamp };
  readonly OpenPort: { readonly openPort: OpenPort };
  readonly KillSwitch: { readonly killSwitch?: KillSwitch };
  readonly PeerIsolation: { readonly peerIsolation?: PeerIsolation };
  readonly IPForwarding: { readonly ipForwarding?: IpForwarding };
  readonly PolicyRoute: { readonly policyRoute: PolicyRoute };
}

export type IntentType = keyof Members;

/** One firewall intent of a type. */
export type IntentOf<T extends IntentType> = { readonly name: string; readonly type: T } & Members[T];
/** One firewall intent: `{name, type, MEMBER}`. */
export type Intent = { [T in IntentType]: IntentOf<T> }[IntentType];

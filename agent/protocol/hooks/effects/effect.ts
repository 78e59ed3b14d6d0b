/** One rule of iptables(8): as iptables-restore(8) takes it, without what stands before the chain. */
export interface FirewallRule {
  readonly kind: 'firewall rule';
  /** `iptables`, `ip6tables-legacy`, ... */
  readonly program: string;
  readonly table: string;
  readonly chain: string;
  /** `-i wg0 -j ACCEPT` */
  readonly rule: string;
}

/** A chain of iptables(8) that `-N` makes. */
export interface FirewallChain {
  readonly kind: 'firewall chain';
  readonly program: string;
  readonly table: string;
  readonly chain: string;
}

/** As an argument of ip(8). */
type Version = '-4' | '-6';

/** A rule of ip-rule(8); what was not said is not there. Numbers of tables, canonical networks. */
export interface PolicyRule {
  readonly kind: 'policy rule';
  readonly version: Version;
  readonly isNot: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly iif?: string;
  readonly oif?: string;
  /** `MARK/MASK`, numbers in decimal. */
  readonly mark?: string;
  readonly table?: string;
  readonly priority?: number;
  readonly suppress?: number;
}

/** A route of ip-route(8). */
export interface PlainRoute {
  readonly kind: 'route';
  readonly version: Version;
  /** Canonical network. */
  readonly destination: string;
  /** Its number. */
  readonly table: string;
  /** `blackhole`, `unreachable`, ...; left out = unicast. */
  readonly type?: string;
  readonly dev?: string;
  readonly via?: string;
  readonly metric?: number;
}

/** A value of sysctl(8). */
export interface Setting {
  readonly kind: 'setting';
  /** `net.ipv4.ip_forward` */
  readonly key: string;
  readonly value: number;
}

/** A table, chain or rule of nft(8). */
export interface NftPart {
  readonly kind: 'nft';
  /** `ip`, `ip6`, `inet` */
  readonly family: string;
  readonly table: string;
  /** Null = the table itself. */
  readonly chain: string | null;
  /** Null = the chain itself; else how many rules of these hooks the chain has up to this one, it included. */
  readonly rule: number | null;
}

/** What a command leaves on the host, as far as one can look at it. */
export type Effect = FirewallRule | FirewallChain | PolicyRule | PlainRoute | Setting | NftPart;

/** What an effect is about: of two with the same key the later one counts. */
export function keyOf(effect: Effect): string {
  if (effect.kind === 'setting') return `setting ${effect.key}`;
  if (effect.kind === 'firewall rule')
    return ['firewall rule', effect.program, effect.table, effect.chain, effect.rule].join(' ');
  return JSON.stringify(effect);
}

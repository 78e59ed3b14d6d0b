import type { Cidr } from '../protocol/address.ts';
import { isIpv6 } from '../protocol/address.ts';

/** As an argument of ip(8). */
export type Family = '-4' | '-6';
export const FAMILIES: readonly Family[] = ['-4', '-6'];

/** The network of every address of a family. */
export const ANYWHERE: Readonly<Record<Family, Cidr>> = { '-4': '0.0.0.0/0' as Cidr, '-6': '::/0' as Cidr };

/**
 * What wg-quick(8) makes of a default route with `Table = auto`, for each family: the route in a table of its own whose number is the
 * mark, a rule that sends there what has not the mark, a rule before it that lets the other routes of the main table win, and rows of
 * the firewall that keep strangers from using the addresses of the tunnel.
 */
export const ROUTING_PIECES = ['route', 'rule', 'main rule', 'firewall'] as const;
export type RoutingPiece = (typeof ROUTING_PIECES)[number];
/** A piece that is there: `-4 rule`. */
export type RoutingPart = `${Family} ${RoutingPiece}`;

/** What an `up` makes for these networks of peers. Rows of the firewall may be those of a wg-quick without nft: they are not asked for. */
export const routingFor = (networks: readonly Cidr[]): RoutingPart[] =>
  FAMILIES.filter((family) => networks.includes(ANYWHERE[family])).flatMap((family) =>
    (['route', 'rule', 'main rule'] as const).map((piece) => `${family} ${piece}` as const),
  );

/** The families that peers have a default route of. */
export const defaultFamilies = (peers: readonly { readonly allowedIps: readonly Cidr[] }[]): Family[] =>
  FAMILIES.filter((family) => peers.some(({ allowedIps }) => allowedIps.includes(ANYWHERE[family])));

/** A rule of `ip rule` (ip-rule(8)), as far as it is like one of wg-quick. */
export interface PolicyRule {
  readonly priority: number;
  /** Its number. */
  readonly table: string;
  /** The mark that a packet must not have; null = the rule asks for none. */
  readonly notMark: number | null;
  /** Whether it passes over default routes. */
  readonly suppressesDefault: boolean;
}

interface IpRule {
  readonly priority?: number;
  readonly table?: string;
  readonly not?: null;
  readonly fwmark?: string;
  readonly fwmask?: string;
  readonly suppress_prefixlen?: number;
}

/** Parses `ip -Numeric -json FAMILY rule show`. */
export const parseRules = (rules: readonly unknown[]): PolicyRule[] =>
  (rules as readonly IpRule[]).map((rule) => ({
    priority: rule.priority ?? 0,
    table: rule.table ?? '',
    notMark: 'not' in rule && rule.fwmark !== undefined && rule.fwmask === undefined ? Number(rule.fwmark) : null,
    suppressesDefault: rule.suppress_prefixlen === 0,
  }));

const MAIN = '254';
const isMainRule = (rule: PolicyRule): boolean => rule.suppressesDefault && rule.table === MAIN;

/** The two rules of one tunnel. */
export interface TunnelRules {
  readonly rule: PolicyRule | undefined;
  readonly mainRule: PolicyRule | undefined;
}

/** The rules of the tunnel with this mark: the kernel puts each new rule before all others, so the one for the main table is right before. */
export function rulesOf(mark: number, rules: readonly PolicyRule[]): TunnelRules {
  const sorted = [...rules].sort((left, right) => left.priority - right.priority);
  const at = sorted.findIndex((rule) => rule.notMark === mark && rule.table === String(mark));
  if (at >= 0) {
    const between = sorted.slice(0, at).toReversed();
    const mainRule = between.find((rule) => isMainRule(rule) || rule.notMark !== null);
    return { rule: sorted[at], mainRule: mainRule !== undefined && isMainRule(mainRule) ? mainRule : undefined };
  }
  return { rule: undefined, mainRule: orphanOf(sorted) };
}

/** A rule for the main table that no tunnel's rule follows: that of a tunnel whose own rule is gone. */
function orphanOf(sorted: readonly PolicyRule[]): PolicyRule | undefined {
  return sorted.find((rule, index) => {
    if (!isMainRule(rule)) return false;
    const next = sorted.slice(index + 1).find((other) => isMainRule(other) || other.notMark !== null);
    return next === undefined || isMainRule(next);
  });
}

/** Where the rules of a tunnel stand among all: before and behind them may be those that hooks or other tunnels have made. */
export interface RulePlace {
  readonly family: Family;
  /** Priorities; null = there is no such rule. */
  readonly rule: number | null;
  readonly mainRule: number | null;
}

/** Priorities of new rules; null = wherever the kernel puts a new one, which is before all others. */
export type NewPlace = Pick<RulePlace, 'rule' | 'mainRule'>;

/**
 * Where the rules that lack go: where they were, or else next to the one that is left. Null = that one cannot stay, and both are made
 * anew before all others.
 */
export function placesFor({ rule, mainRule }: TunnelRules, known: RulePlace | undefined): NewPlace | null {
  const [old, oldMain] = [known?.rule ?? null, known?.mainRule ?? null];
  if (mainRule !== undefined && rule === undefined) {
    const behind = old !== null && old > mainRule.priority ? old : mainRule.priority + 1;
    return behind < LAST_PRIORITY ? { rule: behind, mainRule: mainRule.priority } : null;
  }
  if (rule !== undefined && mainRule === undefined) {
    const before = oldMain !== null && oldMain < rule.priority ? oldMain : rule.priority - 1;
    return before > 0 ? { rule: rule.priority, mainRule: before } : null;
  }
  return { rule: rule?.priority ?? old, mainRule: mainRule?.priority ?? oldMain };
}

/** That of the rule for the main table, which every host has. */
const LAST_PRIORITY = 32_766;

/** The addresses of one family. */
export const addressesOf = (family: Family, addresses: readonly Cidr[]): Cidr[] =>
  addresses.filter((address) => isIpv6(address) === (family === '-6'));

import { canonicalIp, parseNetwork } from '../protocol/address.ts';
import {
  type FirewallRule,
  keyOf,
  type NftPart,
  type PlainRoute,
  type PolicyRule,
} from '../protocol/hooks/effects/effect.ts';
import type { HookEffect } from '../protocol/hooks/effects/effects-of.ts';
import type { Ledger } from './device.ts';
import { markOf } from '../protocol/hooks/effects/of-command.ts';

/** Whether effects of hooks are there, by what programs print. Pure. */

/** An effect of a hook, and whether it is there; null = nobody can tell now. */
export interface SeenEffect extends HookEffect {
  readonly isThere: boolean | null;
}

/**
 * The effects that are gone. Not those that were not there after the hooks had run; where nobody knows that, as somebody else brought
 * the interface up, not those of commands that may fail.
 */
export const lostEffects = (effects: readonly SeenEffect[], ledger: Ledger | null): readonly SeenEffect[] =>
  effects.filter(
    ({ isThere, mayFail, effect }) =>
      isThere === false &&
      ledger?.unseen.includes(keyOf(effect)) !== true &&
      !(mayFail && (ledger?.baseline ?? null) === null),
  );

/** A text for iptables-restore(8) that checks rules and changes nothing, and the rule of each of its lines. */
export interface Checks {
  readonly text: string;
  /** By line, from 0; undefined = a line without a rule. */
  readonly ruleAt: readonly (FirewallRule | undefined)[];
}

/** All rules are of one program. */
export function checksOf(rules: readonly FirewallRule[]): Checks {
  const tables = [...new Set(rules.map(({ table }) => table))];
  const rows = tables.flatMap((table) => [
    { line: `*${table}` },
    ...rules
      .filter((rule) => rule.table === table)
      .map((rule) => ({ line: `-C ${rule.chain} ${rule.rule}`.trimEnd(), rule })),
    { line: 'COMMIT' },
  ]);
  return {
    text: `${rows.map(({ line }) => line).join('\n')}\n`,
    ruleAt: rows.map((row) => ('rule' in row ? row.rule : undefined)),
  };
}

/** The line that iptables-restore(8) stopped at, from 0; null = it does not say. */
export function failedLine(stderr: string): number | null {
  const [, line] = /line:? ([0-9]+)/i.exec(stderr) ?? [];
  return line === undefined ? null : Number(line) - 1;
}

/** The chains of one table with a rule in them, of what iptables-save(8) prints. */
export const filledChains = (text: string): ReadonlySet<string> => {
  let table = '';
  const chains = new Set<string>();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain] = /^-A (\S+)/.exec(line) ?? [];
    if (chain !== undefined) chains.add(`${table} ${chain}`);
  }
  return chains;
};

type Json = Readonly<Record<string, unknown>>;
const rowsOf = (text: string): Json[] => (text.trim() === '' ? [] : (JSON.parse(text) as Json[]));
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

/** `10.0.0.1` and a length as a network; undefined = everything. */
const networkIn = (address: unknown, length: unknown): string | undefined =>
  parseNetwork([textOf(address) ?? '', ...(length === undefined ? [] : [textOf(length) ?? ''])].join('/'));

/** Parses `ip -Numeric -json -4|-6 rule show`. */
export const rulesIn = (text: string, version: '-4' | '-6'): PolicyRule[] =>
  rowsOf(text).map((row) => {
    const [mark, mask] = [textOf(row['fwmark']), textOf(row['fwmask'])];
    const values = {
      from: networkIn(row['src'], row['srclen']),
      to: networkIn(row['dst'], row['dstlen']),
      iif: textOf(row['iif']),
      oif: textOf(row['oif']),
      mark: mark === undefined ? undefined : markOf(mask === undefined ? mark : `${mark}/${mask}`),
      table: textOf(row['table']),
      priority: typeof row['priority'] === 'number' ? row['priority'] : undefined,
      suppress: typeof row['suppress_prefixlen'] === 'number' ? row['suppress_prefixlen'] : undefined,
    };
    const said = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
    return { kind: 'policy rule', version, isNot: 'not' in row, ...said };
  });

/** Route types of rtnetlink(7) by their number, as `-Numeric` has them. */
const TYPES: Readonly<Record<string, string>> = {
  '2': 'local',
  '6': 'blackhole',
  '7': 'unreachable',
  '8': 'prohibit',
  '9': 'throw',
};

/** Parses `ip -Numeric -json -4|-6 route show table all`. */
export const routesIn = (text: string, version: '-4' | '-6'): PlainRoute[] =>
  rowsOf(text).flatMap((row) => {
    const isAll = row['dst'] === 'default';
    const destination = isAll ? (version === '-4' ? '0.0.0.0/0' : '::/0') : networkIn(row['dst'], undefined);
    if (destination === undefined) return [];
    const type = TYPES[textOf(row['type']) ?? ''];
    const via = textOf(row['gateway']);
    const values = {
      type,
      // A route without a device is shown with `lo`.
      dev: type === undefined || type === 'local' ? textOf(row['dev']) : undefined,
      via: via === undefined ? undefined : (canonicalIp(via) ?? via),
      metric: typeof row['metric'] === 'number' ? row['metric'] : undefined,
    };
    const said = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
    return { kind: 'route', version, destination, table: textOf(row['table']) ?? '254', ...said };
  });

/** Whether something that is there says all that was asked for. */
export const isAmong = <T extends PolicyRule | PlainRoute>(wanted: T, present: readonly T[]): boolean =>
  present.some((own) => Object.entries(wanted).every(([name, value]) => (own as unknown as Json)[name] === value));

/** What `nft -json list table FAMILY NAME` shows. */
export interface ListedTable {
  /** Its chains, and how many rules each has. */
  readonly chains: ReadonlyMap<string, number>;
  /** How many rules have each comment. */
  readonly comments: ReadonlyMap<string, number>;
}
/** Null = there is no such table. */
export type NftTable = ListedTable | null;

/** Parses that. */
export function nftTableIn(text: string): ListedTable {
  const { nftables = [] } = JSON.parse(text) as { readonly nftables?: readonly Json[] };
  const chains = new Map<string, number>();
  for (const { chain } of nftables as readonly { readonly chain?: { readonly name: string } }[])
    if (chain !== undefined) chains.set(chain.name, 0);
  const comments = new Map<string, number>();
  for (const { rule } of nftables as readonly {
    readonly rule?: { readonly chain: string; readonly comment?: string };
  }[]) {
    if (rule === undefined) continue;
    chains.set(rule.chain, (chains.get(rule.chain) ?? 0) + 1);
    if (rule.comment !== undefined) comments.set(rule.comment, (comments.get(rule.comment) ?? 0) + 1);
  }
  return { chains, comments };
}

/** Rules are counted: where one of a chain is gone, nobody knows which one, and all of them count as gone. `most`: how many these hooks put there. */
export function isInTable({ chain, rule }: NftPart, table: NftTable, most: number): boolean {
  if (table === null) return false;
  if (chain === null) return true;
  const count = table.chains.get(chain);
  return count !== undefined && (rule === null || count >= most);
}

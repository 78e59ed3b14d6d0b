import { readFileSync, writeFileSync } from 'node:fs';
import { AgentError } from '../../core/agent-error.ts';
import {
  ANYWHERE,
  defaultFamilies,
  type Family,
  FAMILIES,
  parseRules,
  placesFor,
  type PolicyRule,
  rulesOf,
  type RulePlace,
  type TunnelRules,
} from '../../core/default-routing.ts';
import type { Device } from '../../core/device.ts';
import type { CommandRunner } from '../../host/command-runner.ts';
import type { Cidr } from '../../protocol/address.ts';
import { hasFirewall, removeFirewall, setFirewall } from './firewall.ts';
import { ipBatch, ipJson, isMissingTable } from './ip-batch.ts';
import { wgSet } from './wg-set.ts';

/** The first number that wg-quick tries for the mark and its table. */
const FIRST_MARK = 51_820;

/** What there is of the default routing of a device, one process a family and one for the firewall; none where no peer has a default route. */
export async function readRouting(
  runner: CommandRunner,
  name: string,
  { fwMark, peers, addresses }: Pick<Device, 'fwMark' | 'peers' | 'addresses'>,
): Promise<Routing> {
  if (fwMark === null) return NO_ROUTING;
  const read = async (family: Family): Promise<Routing> => {
    const [state, firewall] = await Promise.all([
      readFamily(runner, family, fwMark),
      hasFirewall(runner, name, { family, addresses }),
    ]);
    const pieces = [
      ...(state.devices.includes(name) ? (['route'] as const) : []),
      ...(state.own.rule === undefined ? [] : (['rule'] as const)),
      ...(state.own.mainRule === undefined ? [] : (['main rule'] as const)),
      ...(firewall ? (['firewall'] as const) : []),
    ];
    const { rule, mainRule } = state.own;
    const place = { family, rule: rule?.priority ?? null, mainRule: mainRule?.priority ?? null };
    return { routing: pieces.map((piece) => `${family} ${piece}` as const), rulePlaces: [place] };
  };
  const families = await Promise.all(defaultFamilies(peers).map(read));
  return {
    routing: families.flatMap(({ routing }) => routing),
    rulePlaces: families.flatMap(({ rulePlaces }) => rulePlaces),
  };
}

type Routing = Pick<Device, 'routing' | 'rulePlaces'>;
/** Of a device that no default route goes through. */
export const NO_ROUTING: Routing = { routing: [], rulePlaces: [] };

interface FamilyState {
  readonly rules: readonly PolicyRule[];
  readonly own: TunnelRules;
  /** Devices of the default routes in the tunnel's table. */
  readonly devices: readonly string[];
}

async function readFamily(runner: CommandRunner, family: Family, mark: number): Promise<FamilyState> {
  const [rows = [], routes = []] = await ipJson(runner, family, ['rule show', `route show table ${String(mark)}`]);
  const rules = parseRules(rows);
  const defaults = (routes as readonly { dst?: string; dev?: string }[]).filter(({ dst }) => dst === 'default');
  return { rules, own: rulesOf(mark, rules), devices: defaults.flatMap(({ dev }) => dev ?? []) };
}

/** A default route that is to go through a device. */
export interface DefaultRoute {
  readonly families: readonly Family[];
  /** Null = one that no table is in use of. */
  readonly mark: number | null;
  readonly addresses: readonly Cidr[];
  /** Where its rules were, for those that lack. */
  readonly places: readonly RulePlace[];
}

/** Makes what lacks of the default routing, as `wg-quick up` does. Rules that are in the wrong order are made anew. */
export async function makeRouting(
  runner: CommandRunner,
  name: string,
  { families, mark, addresses, places }: DefaultRoute,
): Promise<void> {
  if (families.length === 0) return;
  const chosen = mark ?? (await freeMark(runner));
  await wgSet(runner, name, { fwMark: chosen });
  for (const family of families) {
    const state = await readFamily(runner, family, chosen);
    const place = places.find((known) => known.family === family);
    await ipBatch(runner, missingLines({ name, family, mark: chosen, place }, state), family);
  }
  if (families.includes('-4')) allowMarkedSources();
  await setFirewall(
    runner,
    name,
    families.map((family) => ({ mark: chosen, family, addresses })),
  );
}

interface Missing {
  readonly name: string;
  readonly family: Family;
  readonly mark: number;
  readonly place: RulePlace | undefined;
}

function missingLines({ name, family, mark, place }: Missing, { own, devices }: FamilyState): string[] {
  const table = String(mark);
  const route = devices.includes(name) ? [] : [`route add ${ANYWHERE[family]} dev ${name} table ${table}`];
  if (own.rule !== undefined && own.mainRule !== undefined) return route;
  const places = placesFor(own, place);
  const isKept = (rule: PolicyRule | undefined): boolean => places !== null && rule !== undefined;
  // The one for the main table last: wherever the kernel puts a new rule is before all others.
  const rules = [
    isKept(own.rule) ? [] : `rule add not fwmark ${table} table ${table}${at(places?.rule)}`,
    isKept(own.mainRule) ? [] : `rule add table main suppress_prefixlength 0${at(places?.mainRule)}`,
  ];
  return [...route, ...(places === null ? deletions(own) : []), ...rules.flat()];
}

const at = (priority: number | null | undefined): string =>
  typeof priority === 'number' ? ` priority ${String(priority)}` : '';

const deletions = ({ rule, mainRule }: TunnelRules): string[] =>
  [rule, mainRule].flatMap((own) => (own === undefined ? [] : [`rule delete priority ${String(own.priority)}`]));

async function freeMark(runner: CommandRunner): Promise<number> {
  for (let mark = FIRST_MARK; ; mark += 1) {
    const tables = await Promise.all(
      FAMILIES.map((family) => runner.run('ip', [family, 'route', 'show', 'table', String(mark)])),
    );
    const isFree = tables.map(({ exitCode, stdout, stderr }) => {
      if (exitCode !== 0 && !isMissingTable(stderr))
        throw new AgentError('command_failed', `ip cannot tell whether table ${String(mark)} is free`);
      return stdout.trim() === '';
    });
    if (!isFree.includes(false)) return mark;
  }
}

const SOURCES = '/proc/sys/net/ipv4/conf/all/src_valid_mark';

/** Without it the kernel's reverse path filter takes the answers to marked packets for forged. */
function allowMarkedSources(): void {
  if (readFileSync(SOURCES, 'latin1').trim() === '1') return;
  try {
    writeFileSync(SOURCES, '1');
  } catch (error) {
    const text = 'The sysctl net.ipv4.conf.all.src_valid_mark cannot be set to 1, and a default route needs it';
    throw new AgentError('command_failed', text, { cause: error });
  }
}

/** Removes the rules and firewall rows of a tunnel, whether its device is there or not, and none of another tunnel. */
export async function removeRouting(runner: CommandRunner, name: string, mark: number): Promise<void> {
  const remove = async (family: Family): Promise<void> => {
    // A rule may be there several times: from an `up` after the device had gone.
    for (;;) {
      const { own, devices } = await readFamily(runner, family, mark);
      // A tunnel that came up since then may have taken the same number.
      if (own.rule === undefined || devices.some((device) => device !== name)) return;
      await ipBatch(runner, deletions(own), family);
    }
  };
  await Promise.all([...FAMILIES.map(remove), removeFirewall(runner, name)]);
}

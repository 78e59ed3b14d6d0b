import type { Effect, FirewallChain, FirewallRule, NftPart } from '../protocol/hooks/effects/effect.ts';
import { effectsOf, type HookEffect } from '../protocol/hooks/effects/effects-of.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import {
  checksOf,
  failedLine,
  filledChains,
  isAmong,
  isInTable,
  type NftTable,
  nftTableIn,
  routesIn,
  rulesIn,
  type SeenEffect,
} from '../core/seen-effects.ts';
import type { SeenTable } from '../core/firewall-table.ts';
import { readText } from '../host/config-files.ts';
import { tableNameOf } from '../protocol/firewall/compile.ts';
import { sidecarOf } from '../protocol/firewall/hook-lines.ts';
import { AgentError } from '../core/agent-error.ts';
import type { CommandRunner } from '../host/command-runner.ts';
import { readKernelFile } from '../host/kernel-file.ts';
import type { ManagedInterface } from './managed-interface.ts';

type Look = (effect: Effect) => boolean | null;

/** What was found of a family; where its program fails or is not there, nothing is known. */
const UNKNOWN: Look = () => null;

/**
 * Looks whether what the up hooks left is still there: one process a family of rules, none where no hook left any. A rule of iptables
 * that is gone costs another one, where its chain has others.
 */
export async function lookAtHooks(
  { name, host: { runner } }: ManagedInterface,
  config: InterfaceConfig,
): Promise<readonly SeenEffect[]> {
  const table = config.table === null || config.table === 'off' ? '254' : config.table;
  const isBaseline = (effect: Effect): boolean =>
    effect.kind === 'route' && effect.dev === name && effect.table === table;
  const own = effectsOf(config, name).filter(({ effect }) => !isBaseline(effect));
  if (own.length === 0) return [];
  const looks = await Promise.all(FAMILIES.map((family) => lookAt(family, runner, own)));
  return own.map((each) => ({
    ...each,
    isThere: looks.map((look) => look(each.effect)).find((is) => is !== null) ?? null,
  }));
}

/** Makes of all effects of a family what tells each of them. */
type FamilyLook = (runner: CommandRunner, effects: readonly Effect[]) => Promise<Look>;

async function lookAt(family: FamilyLook, runner: CommandRunner, own: readonly HookEffect[]): Promise<Look> {
  try {
    return await family(
      runner,
      own.map(({ effect }) => effect),
    );
  } catch (error) {
    // A program that is not there, a ruleset that cannot be read: what cannot be seen is not called gone.
    if (error instanceof AgentError || error instanceof SyntaxError) return UNKNOWN;
    throw error;
  }
}

const isRule = (effect: Effect): effect is FirewallRule => effect.kind === 'firewall rule';
const isChain = (effect: Effect): effect is FirewallChain => effect.kind === 'firewall chain';
const isNft = (effect: Effect): effect is NftPart => effect.kind === 'nft';

const lookAtSettings: FamilyLook = (_runner, effects) => {
  const values = new Map(
    effects.map((effect) => [
      effect,
      effect.kind === 'setting' ? readKernelFile(`/proc/sys/${effect.key.replaceAll('.', '/')}`) : null,
    ]),
  );
  return Promise.resolve((effect) => {
    const value = values.get(effect) ?? null;
    return effect.kind !== 'setting' || value === null ? null : Number(value.trim()) === effect.value;
  });
};

const lookAtPolicy: FamilyLook = async (runner, effects) => {
  const versions = (['-4', '-6'] as const).filter((version) =>
    effects.some((effect) => effect.kind === 'policy rule' && effect.version === version),
  );
  const texts = await Promise.all(
    versions.map((version) => printed(runner, ['ip', '-Numeric', '-json', version, 'rule', 'show'])),
  );
  const rules = versions.flatMap((version, at) => rulesIn(texts[at] ?? '', version));
  return (effect) => (effect.kind === 'policy rule' ? isAmong(effect, rules) : null);
};

const lookAtRoutes: FamilyLook = async (runner, effects) => {
  const versions = (['-4', '-6'] as const).filter((version) =>
    effects.some((effect) => effect.kind === 'route' && effect.version === version),
  );
  const texts = await Promise.all(
    versions.map((version) => printed(runner, ['ip', '-Numeric', '-json', version, 'route', 'show', 'table', 'all'])),
  );
  const routes = versions.flatMap((version, at) => routesIn(texts[at] ?? '', version));
  return (effect) => (effect.kind === 'route' ? isAmong(effect, routes) : null);
};

const lookAtNft: FamilyLook = async (runner, effects) => {
  const parts = effects.filter(isNft);
  const tables = new Map<string, NftTable>();
  for (const { family, table } of parts) {
    const id = `${family} ${table}`;
    if (tables.has(id)) continue;
    tables.set(id, await listTable(runner, family, table));
  }
  return (effect) => {
    if (!isNft(effect)) return null;
    const most = parts.filter((other) => other.rule !== null && isInSameChain(other, effect)).length;
    return isInTable(effect, tables.get(`${effect.family} ${effect.table}`) ?? null, most);
  };
};

const isInSameChain = (left: NftPart, right: NftPart): boolean =>
  left.family === right.family && left.table === right.table && left.chain === right.chain;

const lookAtFirewall: FamilyLook = async (runner, effects) => {
  const lost = new Set<Effect>();
  const rules = effects.filter(isRule);
  for (const program of new Set(rules.map((rule) => rule.program))) {
    const own = rules.filter((rule) => rule.program === program);
    const gone = await lostRules(runner, program, own);
    if (gone === null) return UNKNOWN;
    for (const rule of gone) lost.add(rule);
    if (gone.length === 0) continue;
    for (const chain of effects.filter(isChain).filter((each) => each.program === program))
      if ((await runner.run(program, ['-w', '-t', chain.table, '-S', chain.chain])).exitCode !== 0) lost.add(chain);
  }
  return (effect) => (isRule(effect) || isChain(effect) ? !lost.has(effect) : null);
};

/** Asks for all at once, and again without those that are known to be gone; null = nobody can tell. */
async function lostRules(
  runner: CommandRunner,
  program: string,
  rules: readonly FirewallRule[],
): Promise<readonly FirewallRule[] | null> {
  const lost: FirewallRule[] = [];
  let left = rules;
  let filled: ReadonlySet<string> | null = null;
  while (left.length > 0) {
    const { text, ruleAt } = checksOf(left);
    const { exitCode, stderr } = await runner.run(`${program}-restore`, ['--noflush', '-w', '5'], { stdin: text });
    if (exitCode === 0) break;
    const at = failedLine(stderr);
    const rule = at === null ? undefined : ruleAt[at];
    if (rule === undefined || exitCode === null) return null;
    // As good as always the whole chain was flushed.
    filled ??= filledChains(await printed(runner, [`${program}-save`]));
    const isEmpty = ({ table, chain }: FirewallRule): boolean => filled?.has(`${table} ${chain}`) === false;
    const gone = left.filter((each) => each === rule || isEmpty(each));
    lost.push(...gone);
    left = left.filter((each) => !gone.includes(each));
  }
  return lost;
}

/** The table of firewall intents and the file that it is loaded from; null = the configuration has no intent. */
export async function lookAtTable(target: ManagedInterface, { firewall }: InterfaceConfig): Promise<SeenTable | null> {
  if (firewall.length === 0) return null;
  const { name, path, host } = target;
  const sidecar = await readText(sidecarOf(path));
  const loaded = await listTable(host.runner, 'inet', tableNameOf(name)).catch((error: unknown) => {
    if (!(error instanceof AgentError)) throw error;
    host.log.warn('the table of the firewall intents cannot be looked at', { interface: name, error: error.message });
    return undefined;
  });
  return { loaded, sidecar };
}

/** Throws where nft(8) is not there or cannot say. */
async function listTable(runner: CommandRunner, family: string, table: string): Promise<NftTable> {
  const { exitCode, stdout, stderr } = await runner.run('nft', ['-json', 'list', 'table', family, table]);
  if (exitCode === 0) return nftTableIn(stdout);
  if (stderr.includes('No such file or directory')) return null;
  throw new AgentError('command_failed', `nft cannot tell the table ${table}`);
}

async function printed(runner: CommandRunner, [program, ...args]: readonly [string, ...string[]]): Promise<string> {
  const { exitCode, stdout } = await runner.run(program, args);
  if (exitCode !== 0) throw new AgentError('command_failed', `${program} cannot be asked`);
  return stdout;
}

const FAMILIES: readonly FamilyLook[] = [lookAtSettings, lookAtPolicy, lookAtRoutes, lookAtNft, lookAtFirewall];

import { linesOf } from '../../firewall/hook-lines.ts';
import { memoized } from '../../memoized.ts';
import { isNamedAfter } from '../programs/nft.ts';
import { isCheck } from '../iptables-words.ts';
import type { Link } from '../hook.ts';
import { parseHook } from '../parse-hook.ts';
import { renderHook } from '../render-hook.ts';
import type { InterfaceConfig } from '../../wgquick/config.ts';
import { type Effect, keyOf } from './effect.ts';
import { type Change, changeOf, wordsOf } from './of-command.ts';

/** A command of an up hook that leaves something on the host. */
export interface HookEffect {
  /** The field that asks for it. */
  readonly list: 'preUp' | 'postUp' | 'firewall';
  /** The place of its line or intent in the list. */
  readonly line: number;
  /** The command alone, as a canonical line. */
  readonly command: string;
  /** Whether the line goes on where it fails: then nobody knows whether it left something. */
  readonly mayFail: boolean;
  /** Whether it is set up only where a check found that it is not there: it may be of somebody else. */
  readonly isOnce: boolean;
  readonly effect: Effect;
}

/** The lists of hooks that set something up. */
type UpHooks = Pick<InterfaceConfig, 'preUp' | 'postUp' | 'firewall'>;

/** A row of commands, and whether the hook ends where it fails. */
interface Part {
  readonly list: HookEffect['list'];
  readonly line: number;
  readonly link: Link;
  readonly mayFail: boolean;
  readonly isOnce: boolean;
}

const partsOf = ({ firewall, preUp, postUp }: UpHooks): Part[] => [
  ...preUp.flatMap((text, line) => partsOfLine(text, { list: 'preUp', line })),
  ...firewall.flatMap((intent, line) =>
    linesOf(intent).flatMap(({ up }) => partsOfLine(up, { list: 'firewall', line })),
  ),
  ...postUp.flatMap((text, line) => partsOfLine(text, { list: 'postUp', line })),
];

function partsOfLine(text: string, place: Pick<Part, 'list' | 'line'>): Part[] {
  const parsed = parseHook(text, { device: null, allowed: [] });
  if ('refusal' in parsed) return [];
  const { lists } = parsed.hook;
  return lists.flatMap((links, at) =>
    links.map((link): Part => {
      // `CHECK || COMMAND` sets up once; of `A && B` a failing A ends the hook where nothing follows.
      const isOnce = links.length === 2 && links[1]?.on === 'failure' && !links[1].command.isIdle;
      const isLast = at === lists.length - 1 && links.every(({ on }) => on !== 'failure');
      return { ...place, link, isOnce, mayFail: links.length > 1 && !isOnce && !isLast };
    }),
  );
}

/**
 * What the up hooks of an interface leave on the host when all of them have run, in order: what one takes away again is not there, and
 * of two values of a setting the last one is. Lines that are not of the grammar leave what nobody knows.
 */
export function effectsOf(config: UpHooks, device: string): readonly HookEffect[] {
  const byDevice = known(config);
  const own = byDevice.get(device) ?? collect(config, device);
  byDevice.set(device, own);
  return own;
}

/** What each command of these lines makes or takes away; lines that are not of the grammar say nothing. */
export const changesOf = (lines: readonly string[], device: string): Change[] =>
  partsOf({ preUp: [], postUp: lines, firewall: [] }).map(({ link }) =>
    changeOf(link.command, wordsOf(link.command, device)),
  );

/** The same configuration is asked for at every look. */
const known = memoized((_config: UpHooks) => new Map<string, readonly HookEffect[]>());

function collect(config: UpHooks, device: string): readonly HookEffect[] {
  let effects: HookEffect[] = [];
  for (const { link, ...place } of partsOf(config)) {
    if (isCheck(link.command)) continue;
    const change = changeOf(link.command, wordsOf(link.command, device));
    if ('takes' in change) {
      effects = effects.filter(({ effect }) => !change.takes(effect));
      continue;
    }
    const command = renderHook({ lists: [[{ on: 'always', command: link.command }]] });
    for (const effect of change.makes) {
      const isSetting = effect.kind === 'setting';
      if (isSetting) effects = effects.filter((other) => keyOf(other.effect) !== keyOf(effect));
      effects.push({ ...place, command, effect });
    }
  }
  return withoutRulesOfOthers(effects, device);
}

/**
 * Rules of nft count where the chain is one that these hooks make in a table named after the interface, where nobody else has any; which
 * one a rule is, only its place tells.
 */
function withoutRulesOfOthers(effects: readonly HookEffect[], device: string): HookEffect[] {
  const counts = new Map<string, number>();
  return effects.flatMap((own) => {
    const { effect } = own;
    if (effect.kind !== 'nft' || effect.chain === null) return own;
    const chain = [effect.family, effect.table, effect.chain].join(' ');
    if (effect.rule === null) {
      counts.set(chain, 0);
      return own;
    }
    const before = counts.get(chain);
    if (before === undefined || !isNamedAfter(effect.table, device)) return [];
    counts.set(chain, before + 1);
    return { ...own, effect: { ...effect, rule: before + 1 } };
  });
}

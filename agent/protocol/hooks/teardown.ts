import type { HookName } from '../wgquick/fields.ts';
import type { InterfaceConfig } from '../wgquick/config.ts';
import { type Effect, keyOf } from './effects/effect.ts';
import { changesOf, effectsOf, type HookEffect } from './effects/effects-of.ts';
import { MAX_LIST } from '../wgquick/field-kinds.ts';
import { commandsOf, derivedInverse } from './inverse.ts';
import { parseHook } from './parse-hook.ts';

/** The four lists of hooks. */
type Hooks = Pick<InterfaceConfig, HookName>;

const DOWN = ['preDown', 'postDown'] as const;
/** What takes back what a list sets up stands at the same side of the device. */
const PAIR = { preUp: 'postDown', postUp: 'preDown' } as const;

const ANY_HOST = { device: null, allowed: [] };
const isOfGrammar = (line: string): boolean => 'hook' in parseHook(line, ANY_HOST);

/**
 * The hooks with what takes back each command of the set-up that no teardown takes back yet, the last one first, behind the lines that
 * are there. Nothing is added where a line of the teardown is not of the grammar: nobody knows what it takes back. Again the same is the
 * same.
 */
export function withTeardown<H extends Hooks>(config: H): H {
  const down = DOWN.flatMap((list) => config[list]);
  if (config.preUp.length + config.postUp.length === 0 || !down.every(isOfGrammar)) return config;
  const left = leftBehind(config);
  const wrong = new Set(wrongTeardowns(config).map(({ effect }) => keyOf(effect)));
  const linesFor = (list: 'preUp' | 'postUp'): string[] => {
    const effects = left.filter((own) => own.list === list && !wrong.has(keyOf(own.effect)));
    const known = effects.flatMap(({ command, effect }) => ofEffect(effect, command));
    return [...new Set([...known, ...untold(config[list], down)])].reverse();
  };
  const [postUp, preUp] = [linesFor('postUp'), linesFor('preUp')];
  // More than a request may hold: the lines that somebody wrote go first.
  if (config[PAIR.postUp].length + postUp.length > MAX_LIST || config[PAIR.preUp].length + preUp.length > MAX_LIST)
    return config;
  return {
    ...config,
    [PAIR.postUp]: [...config[PAIR.postUp], ...postUp],
    [PAIR.preUp]: [...config[PAIR.preUp], ...preUp],
  };
}

/** Effects of the set-up that the teardown leaves on the host; what goes with the device is none. */
function leftBehind(config: Hooks): HookEffect[] {
  const takes = changesOf(
    DOWN.flatMap((list) => config[list]),
    '%i',
  ).flatMap((change) => ('takes' in change ? change.takes : []));
  const goesByItself = (effect: Effect): boolean => effect.kind === 'route' && effect.dev === '%i';
  return effectsOf({ ...config, firewall: [] }, '%i').filter(
    ({ effect }) => !goesByItself(effect) && !takes.some((take) => take(effect)),
  );
}

function ofEffect(effect: Effect, command: string): readonly string[] {
  if (effect.kind !== 'nft') return derivedInverse(command);
  // With its table goes everything in it; a rule in the table of another has no name.
  return effect.chain === null ? [`nft delete table ${effect.family} ${effect.table}`] : [];
}

/** Of commands whose effect nobody can look at (ufw, firewall-cmd): the inverse, unless it stands there word for word. */
function untold(lines: readonly string[], down: readonly string[]): string[] {
  const present = new Set(down.flatMap(commandsOf));
  return lines
    .filter(isOfGrammar)
    .flatMap(commandsOf)
    .filter((command) => /^(?:ufw|firewall-cmd) /.test(command))
    .flatMap(derivedInverse)
    .filter((inverse) => inverse !== 'true' && !present.has(inverse));
}

/** A line of a teardown that sets up anew what it should take back. */
export interface WrongTeardown {
  readonly list: 'preDown' | 'postDown';
  readonly line: number;
  readonly effect: Effect;
  /** What was meant. */
  readonly meant: string;
}

/** `-A` where `-D` was meant, as in many a published file. */
export function wrongTeardowns(config: Hooks): WrongTeardown[] {
  const setUp = new Map(effectsOf({ ...config, firewall: [] }, '%i').map((own) => [keyOf(own.effect), own]));
  return DOWN.flatMap((list) =>
    config[list].flatMap((text, line) =>
      changesOf([text], '%i').flatMap((change) =>
        ('makes' in change ? change.makes : []).flatMap((effect): WrongTeardown[] => {
          const own = setUp.get(keyOf(effect));
          const [meant] = own === undefined || effect.kind === 'setting' ? [] : derivedInverse(own.command);
          return meant === undefined ? [] : [{ list, line, effect, meant }];
        }),
      ),
    ),
  );
}

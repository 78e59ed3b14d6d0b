import type { HookName } from '../wgquick/fields.ts';
import type { InterfaceConfig } from '../wgquick/config.ts';
import { type Effect, keyOf } from './effects/effect.ts';
import { changesOf, effectsOf, type HookEffect } from './effects/effects-of.ts';
import { MAX_LIST } from '../wgquick/field-kinds.ts';
import { commandsIn, commandsOf, derivedInverse } from './inverse.ts';
import { isNamedAfter } from './programs/nft.ts';
import { parseHook } from './parse-hook.ts';

/** The four lists of hooks. */
type Hooks = Pick<InterfaceConfig, HookName>;

const DOWN = ['preDown', 'postDown'] as const;

const ANY_HOST = { device: null, allowed: [] };
const isOfGrammar = (line: string): boolean => 'hook' in parseHook(line, ANY_HOST);

/**
 * The hooks with what takes back each command of the set-up of `device` that no teardown takes back yet, the last one first, behind the
 * lines of PostDown: it may fail, so that wg-quick(8) goes on where somebody was faster. Nothing is added where a line of the teardown
 * is not of the grammar, as nobody knows what it takes back, nor for what a check may have found there. Again the same is the same.
 */
export function withTeardown<H extends Hooks>(config: H, device: string): H {
  const down = DOWN.flatMap((list) => config[list]);
  if (config.preUp.length + config.postUp.length === 0 || !down.every(isOfGrammar)) return config;
  const wrong = new Set(wrongTeardowns(config, device).map(({ effect }) => keyOf(effect)));
  const left = leftBehind(config, device).filter(({ effect }) => !wrong.has(keyOf(effect)));
  const known = left.flatMap(({ command, effect }) => ofEffect(effect, { command, device }));
  const fresh = [...new Set([...known, ...untold([...config.preUp, ...config.postUp], down)])].reverse();
  const postDown = [...config.postDown, ...fresh.map((line) => `${line} || true`)];
  // More than a request may hold: the lines that somebody wrote go first.
  return fresh.length === 0 || postDown.length > MAX_LIST ? config : { ...config, postDown };
}

/** Effects of the set-up that the teardown leaves on the host; what goes with the device is none. */
function leftBehind(config: Hooks, device: string): HookEffect[] {
  const takes = changesOf(
    DOWN.flatMap((list) => config[list]),
    device,
  ).flatMap((change) => ('takes' in change ? change.takes : []));
  const goesByItself = (effect: Effect): boolean => effect.kind === 'route' && effect.dev === device;
  return effectsOf({ ...config, firewall: [] }, device).filter(
    ({ effect, isOnce }) => !isOnce && !goesByItself(effect) && !takes.some((take) => take(effect)),
  );
}

interface Source {
  readonly command: string;
  readonly device: string;
}

function ofEffect(effect: Effect, { command, device }: Source): readonly string[] {
  if (effect.kind !== 'nft') return derivedInverse(command);
  // With its table goes everything in it; one that is not named after the interface may be of others, too.
  const isOwn = effect.chain === null && isNamedAfter(effect.table, device);
  return isOwn ? [`nft delete table ${effect.family} ${effect.table}`] : [];
}

/** Of commands whose effect nobody can look at (ufw, firewall-cmd): the inverse, unless it stands there word for word. */
function untold(lines: readonly string[], down: readonly string[]): string[] {
  const present = commandsIn(down);
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
export function wrongTeardowns(config: Hooks, device: string): WrongTeardown[] {
  const setUp = new Map(effectsOf({ ...config, firewall: [] }, device).map((own) => [keyOf(own.effect), own]));
  return DOWN.flatMap((list) =>
    config[list].flatMap((text, line) =>
      changesOf([text], device).flatMap((change) =>
        ('makes' in change ? change.makes : []).flatMap((effect): WrongTeardown[] => {
          const own = setUp.get(keyOf(effect));
          const [meant] = own === undefined || effect.kind === 'setting' ? [] : derivedInverse(own.command);
          return meant === undefined ? [] : [{ list, line, effect, meant }];
        }),
      ),
    ),
  );
}

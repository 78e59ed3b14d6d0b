import type { HookCommand } from './hook.ts';
import { parseHook } from './parse-hook.ts';
import { chainKey } from './programs/iptables.ts';

/**
 * What lines make, as keys that the programs ask for: chains, nft tables, links, and addresses and routes beside the interface. What
 * may fail counts for nothing: it may have been there before.
 */
export function madeBy(lines: readonly string[], device: string | null): ReadonlySet<string> {
  const commands = lines.flatMap((line) => {
    const parsed = parseHook(line, { device, allowed: [] });
    if ('refusal' in parsed) return [];
    return parsed.hook.lists.flatMap((list) =>
      list.some(({ on }) => on === 'failure') ? [] : list.map(({ command }) => command),
    );
  });
  return new Set(commands.flatMap((command) => keyOf(command, device) ?? []));
}

function keyOf({ program, args, isIdle }: HookCommand, device: string | null): string | undefined {
  const words = args.map((word) => ({ ...word, text: word.text.replaceAll('%i', device ?? '%i') }));
  const texts = words.map(({ text }) => text);
  const after = (...names: readonly string[]): string | undefined =>
    texts[texts.findIndex((text) => names.includes(text)) + 1];
  if (isIdle) return undefined;
  if (/^ip6?tables/.test(program)) {
    if (!texts.some((text) => text === '-N' || text === '--new-chain')) return undefined;
    return chainKey(program, words, after('-N', '--new-chain') ?? '');
  }
  if (program === 'nft') {
    const [, family = 'ip', name] = /^(?:add|create) table (?:(ip6?|inet) )?([^ ]+)/.exec(texts.join(' ')) ?? [];
    return name === undefined ? undefined : `nft ${family} ${name}`;
  }
  if (program !== 'ip') return undefined;
  const [object = '', verb, ...rest] = texts.filter((text) => !/^-[46]$/.test(text));
  if (verb !== 'add') return undefined;
  if (object.startsWith('l')) return `link ${rest.find((text) => text !== 'dev' && text !== 'name') ?? ''}`;
  if (object.startsWith('a')) return `address ${rest[0] ?? ''} ${after('dev') ?? ''}`;
  return /^r(?:o|oute)?$/.test(object) ? `route ${rest.find((text) => text !== 'to') ?? ''}` : undefined;
}

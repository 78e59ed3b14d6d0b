import { LRUCache } from 'lru-cache';
import type { Hook, HookContext } from './hook.ts';
import { parseHook } from './parse-hook.ts';
import { renderHook } from './render-hook.ts';

const usesHost = ({ lists }: Hook): boolean => lists.some((list) => list.some(({ command }) => command.isOfHost));

/** A hook of the grammar, and the line that says it in a file. */
export interface CanonicalHook {
  readonly hook: Hook;
  readonly line: string;
}

/** The canonical line of a hook; one with programs of the host stays as it is, as only that host knows them. Null = it is refused. */
export function canonicalHook(line: string, context: HookContext): CanonicalHook | null {
  const parsed = parseHook(line, context);
  if ('refusal' in parsed) return null;
  return { hook: parsed.hook, line: usesHost(parsed.hook) ? line : renderHook(parsed.hook) };
}

const lines = new LRUCache<string, string>({ max: 512 });
const ANY_HOST = { device: null, allowed: [] };

/** What two spellings of one hook have in common, on any host; of a hook that the grammar does not take that is its text. */
export function sameHook(line: string): string {
  const known = lines.get(line);
  if (known !== undefined) return known;
  const result = canonicalHook(line, ANY_HOST)?.line ?? line;
  lines.set(line, result);
  return result;
}

import { createHash } from 'node:crypto';

/** Whatever could be a WireGuard key, glued to other text, too. */
const KEY = /[A-Za-z0-9+/]{42,}={0,2}/g;
/** A key in the other alphabet of base64, which tools take for a key that is wrong, and repeat. */
const URL_KEY = /[A-Za-z0-9_-]{43}=/g;

/**
 * Names of folders, one behind the other. A key has upper case letters in other places than their beginnings, but for one of 10^9; and in
 * hexadecimal digits it is longer.
 */
const PATH = /^(?=.*\/.*\/)(?:[A-Z]?[a-z0-9]{0,31}\/)+(?:[A-Z]?[a-z0-9]{0,31})$/;

/** The words of wg(8) and its like before a public key. */
const BEFORE_PUBLIC = /(?:^|\s)-{0,2}(?:peer|public-?key)(?:\s+|=)["']?$/i;

/** So long a line is nobody's command: all of it is secret. */
const MAX_LINE = 4096;
/** What makes the words of a line before a key say something else: a comment, and secrets that are told of. */
const DOUBT = /#|psk|preshared|private/i;

/** Whether a whole key stands here, where a public one does. Looks back no further than a line is long, so that the cost is linear. */
function isPublic(text: string, run: string, at: number): boolean {
  if (run.length !== 44 || !run.endsWith('=') || !BEFORE_PUBLIC.test(text.slice(Math.max(0, at - 32), at)))
    return false;
  const near = text.slice(Math.max(0, at - MAX_LINE), at);
  const start = near.lastIndexOf('\n') + 1;
  const line = near.slice(start);
  return (start > 0 || at < MAX_LINE) && BEFORE_PUBLIC.test(line.slice(-32)) && !DOUBT.test(line);
}

const replaceSecrets = (text: string, by: (run: string) => string): string =>
  text.replace(KEY, (run: string, at: number) => (PATH.test(run) || isPublic(text, run, at) ? run : by(run)));

/** Text with everything that could be a secret WireGuard key taken out, for lines that we keep but do not own. */
export const redactKeys = (text: string): string =>
  replaceSecrets(text, () => '[redacted]').replace(URL_KEY, (run, at: number, whole: string) =>
    isPublic(whole, run, at) ? run : '[redacted]',
  );

const MARK = /\[key [0-9a-f]{16}\]/g;

/** A piece of the hash of 32 random bytes tells nothing of them. */
const markOf = (key: string): string => `[key ${createHash('sha256').update(key).digest('hex').slice(0, 16)}]`;

/** Text with a mark in the place of each secret key: other keys have other marks, so that texts can be sent back without them. */
export const markKeys = (text: string): string => replaceSecrets(text, markOf);

/** As `markKeys`, and of whatever has the shape of a key: two texts are one here, whoever made their marks, or put none. */
export const markShapes = (text: string): string => text.replace(KEY, markOf);

/** The inverse of both, by the keys that stand in `sources`; one of these is left as it is. Undefined = a mark is that of none of them. */
export function unmarkKeys(text: string, sources: readonly string[]): string | undefined {
  if (text.search(MARK) < 0 || sources.includes(text)) return text;
  const keys = new Map(sources.flatMap((source) => source.match(KEY) ?? []).map((key) => [markOf(key), key]));
  const whole = text.replace(MARK, (mark) => keys.get(mark) ?? mark);
  return whole.search(MARK) < 0 ? whole : undefined;
}

/** A wg-quick file with the values of its secret keys taken out, comments included. */
export const redactFile = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      /^\s*publickey\s*=/i.test(line)
        ? line.replace(/#.*$/, '')
        : line.replace(/((?:private|preshared)\s*key\s*=).*/i, '$1 [redacted]'),
    )
    .map((line) => (/^\s*publickey\s*=/i.test(line) ? line : redactKeys(line)))
    .join('\n');

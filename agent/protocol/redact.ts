import { createHash } from 'node:crypto';

/** Whatever could be a WireGuard key, glued to other text, too. */
const KEY = /[A-Za-z0-9+/]{42,}={0,2}/g;
/** A key in the other alphabet of base64, which tools take for a key that is wrong, and repeat. */
const URL_KEY = /[A-Za-z0-9_-]{43}=/g;

/** Text with everything that could be a WireGuard key taken out, for lines that we keep but do not own. */
export const redactKeys = (text: string): string => text.replace(KEY, '[redacted]').replace(URL_KEY, '[redacted]');

const MARK = /\[key [0-9a-f]{16}\]/g;

/** A piece of the hash of 32 random bytes tells nothing of them. */
const markOf = (key: string): string => `[key ${createHash('sha256').update(key).digest('hex').slice(0, 16)}]`;

/** Text with a mark in the place of each key: other keys have other marks, so that texts can be compared and sent back without them. */
export const markKeys = (text: string): string => text.replace(KEY, markOf);

/** The inverse of `markKeys`, by the keys that stand in `sources`; one of these is left as it is. Undefined = a mark is that of none of them. */
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

import type { Document } from '../protocol/wgquick/document.ts';
import type { FieldName } from '../protocol/wgquick/fields.ts';
import { interfaceLines, isLineOf } from '../protocol/wgquick/document.ts';

/** What wg-quick(8) hands to ip(8) and resolvconf(8): the words of the file as they stand there. */
export interface QuickValues {
  readonly addresses: readonly string[];
  /** Empty = chosen by the paths to the endpoints. */
  readonly mtu: string;
  /** Name servers. */
  readonly dns: readonly string[];
  /** Search domains; without a server they do nothing. */
  readonly search: readonly string[];
  /** `auto`, `off`, or a table as ip(8) knows it. */
  readonly table: string;
}

const isServer = (word: string): boolean => /^[0-9.]+$/.test(word) || word.includes(':');

/** Entries of `DNS` by what they are. */
export const resolverOf = (entries: readonly string[]): Pick<QuickValues, 'dns' | 'search'> => ({
  dns: entries.filter(isServer),
  search: entries.filter((entry) => !isServer(entry)),
});

/** Reads a file as wg-quick does: lists accumulate, of everything else the last line counts. */
export function quickValues(document: Document): QuickValues {
  const texts = (name: FieldName): string[] =>
    interfaceLines(document)
      .filter((line) => isLineOf(line, name))
      .map(({ value }) => value);
  const words = (name: FieldName): string[] =>
    texts(name)
      .flatMap((text) => text.split(/[ \t\n\v\f\r,]+/))
      .filter(Boolean);
  const table = texts('table').at(-1) ?? '';
  return {
    addresses: words('addresses'),
    mtu: texts('mtu').at(-1) ?? '',
    ...resolverOf(words('dns')),
    table: table === '' ? 'auto' : table,
  };
}

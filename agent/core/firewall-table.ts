import { compile, type Table } from '../protocol/firewall/compile.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { NftTable } from './seen-effects.ts';

/** What there is of the table of an interface. */
export interface SeenTable {
  /** Null = the kernel has none; undefined = nobody can tell, as there is no nft(8), or it fails. */
  readonly loaded: NftTable | undefined;
  /** The text of the file that it is loaded from at the next start; null = there is none. */
  readonly sidecar: string | null;
}

/** The table that is to be loaded; `table`: null = none, and one that is there goes. */
export interface TableChange {
  readonly table: Table | null;
}

/** What has to be loaded or taken away; null = all is as it should be, or nobody can tell. `seen`: null = the interface had no intents, nobody looked. */
export function tableChange(desired: InterfaceConfig, name: string, seen: SeenTable | null): TableChange | null {
  const table = compile(desired, name);
  if (seen !== null && seen.loaded === undefined) return null;
  if (table === null) return seen?.loaded == null && seen?.sidecar == null ? null : { table };
  return seen !== null && seen.sidecar === table.text && lostIntents(table, seen.loaded ?? null).length === 0
    ? null
    : { table };
}

/** Names of intents whose rules are not all there; all of them where the table is another one. */
export function lostIntents({ mark, counts }: Table, loaded: NftTable): string[] {
  const isItself = loaded?.chains.has(mark) === true;
  return [...counts].filter(([name, count]) => !isItself || loaded.comments.get(name) !== count).map(([name]) => name);
}

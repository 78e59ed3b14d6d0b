import { readText, removeDurably, writeDurably } from '../host/config-files.ts';
import { compile, type Table } from '../protocol/firewall/compile.ts';
import { LOAD_LINE, sidecarOf } from '../protocol/firewall/hook-lines.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';

/** The wg-quick file of an interface. */
interface FileOfInterface {
  readonly path: string;
  /** Of the interface. */
  readonly name: string;
}

/** Makes the file that the table is loaded from what the text of the interface's file asks for; it stays where a line still names it. */
export async function settleSidecar({ path, name }: FileOfInterface, text: string | null): Promise<void> {
  const table = text === null ? null : compile(interfaceOf(parseDocument(text)), name);
  if (table !== null || text?.includes(LOAD_LINE) !== true) await writeSidecar({ path }, table);
}

/** Writes the file that the table is loaded from, or takes it away; nothing where it is as it should be. */
export async function writeSidecar({ path }: Pick<FileOfInterface, 'path'>, table: Table | null): Promise<void> {
  const sidecar = sidecarOf(path);
  const present = await readText(sidecar);
  if (table === null) {
    if (present !== null) await removeDurably(sidecar);
  } else if (present !== table.text) await writeDurably(sidecar, table.text);
}

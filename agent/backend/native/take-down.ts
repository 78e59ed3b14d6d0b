import { quickValues } from '../../core/quick-values.ts';
import type { StopConfig } from '../backend.ts';
import { removeRouting } from './default-routing.ts';
import { removeLink } from './link.ts';
import { kindOf } from './kind-of.ts';
import { readDump } from './read-device.ts';
import { clearResolver } from './resolver.ts';
import type { Tools } from './tools.ts';

/** How often what a command left is looked for again. */
const ATTEMPTS = 3;

/**
 * Takes away the device and everything that `up` made beside it, in the order of `wg-quick down`. Each part is tried again where a
 * command fails; what then is left is an error once all the others are gone, too.
 */
export async function takeDown(tools: Tools, stop: StopConfig): Promise<void> {
  const { document, marks: known, asksMark, index, resolverFailed } = stop;
  const { runner, name } = tools;
  const { dns, table } = quickValues(document);
  const marks = table === 'auto' ? new Set([...known, ...(asksMark ? await marksOf(tools) : [])]) : [];
  const parts = [
    () => persistently(() => removeLink(runner, name, { document, index })),
    ...(dns.length > 0 ? [() => persistently(() => clearResolver(runner, name)).catch(resolverFailed)] : []),
    ...[...marks].map((own) => () => persistently(() => removeRouting(runner, name, own))),
  ];
  const failures: unknown[] = [];
  for (const part of parts) await part().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** The mark that the device has. */
async function marksOf({ runner, name }: Tools): Promise<number[]> {
  const kind = kindOf(name);
  const mark = kind === 'absent' ? null : (await readDump(runner, name, kind)).fwMark;
  return mark === null ? [] : [mark];
}

async function persistently(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

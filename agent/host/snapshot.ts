import type { Live } from '../core/live.ts';
import type { Current } from '../core/plan.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { type Document, interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { readLive } from './device.ts';
import type { Host } from './host.ts';

/** File, running copy and kernel of one interface, read at one moment. */
export interface Snapshot {
  readonly fileText: string | null;
  readonly document: Document;
  readonly file: InterfaceConfig | null;
  readonly runningText: string | null;
  /** What it was brought up with; the file, if somebody else brought it up. */
  readonly running: InterfaceConfig;
  readonly live: Live | null;
}

export async function readSnapshot(host: Host, name: string): Promise<Snapshot> {
  const [fileText, copy] = await Promise.all([host.readFile(name), host.state.readRunning(name)]);
  const document = parseDocument(fileText ?? '');
  const file = fileText === null ? null : interfaceOf(document);
  const presumed = copy === null ? (file ?? EMPTY_CONFIG) : interfaceOf(parseDocument(copy));
  const live = await readLive(host.runner, name, presumed.table);
  // A copy without a device is that of a life that ended without us: a reboot, or somebody's `ip link delete`.
  const runningText = live === null ? null : copy;
  return {
    fileText,
    document,
    file,
    runningText,
    running: runningText === null ? (file ?? EMPTY_CONFIG) : presumed,
    live,
  };
}

export const currentOf = (snapshot: Snapshot, attempted: InterfaceConfig | null = null): Current => ({
  file: snapshot.file,
  running: snapshot.running,
  attempted,
  live: snapshot.live,
});

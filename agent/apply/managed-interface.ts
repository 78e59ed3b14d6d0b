import type { Backend, Backends } from '../backend/backend.ts';
import { readText, removeDurably, widerAccess, writeDurably } from '../host/config-files.ts';
import type { Host } from '../host/host.ts';
import type { InterfaceState } from '../host/state-folder.ts';
import { AGENT_ITSELF, type Caller } from '../core/audit-record.ts';
import { compile } from '../protocol/firewall/compile.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { settleSidecar, writeSidecar } from './sidecar.ts';
import { LifeWatch } from './life-watch.ts';
import { LookMemory } from './look-memory.ts';
import { EndpointNames } from './endpoint-names.ts';

/** Everything about one interface of the host: its file, its state, its device, and the lock that every change must hold. */
export interface ManagedInterface {
  readonly name: string;
  /** Of the wg-quick file; there need not be one. */
  readonly path: string;
  /** Null = there is no file. */
  readFile(): Promise<string | null>;
  writeFile(text: string): Promise<void>;
  removeFile(): Promise<void>;
  readonly state: InterfaceState;
  readonly backend: Backend;
  readonly names: EndpointNames;
  readonly looks: LookMemory;
  readonly lives: LifeWatch;
  readonly host: Host;
  /** Who asked. */
  readonly caller: Caller;
  /** What went wrong in this request without ending it, for whoever asked; no hook's text is in it. */
  readonly warnings: string[];
  /**
   * What becomes of a set-up whose hook, or whose resolvconf(8), fails: it ends; or it goes on and `warnings` tell, as an undo must bring
   * the previous tunnel back whatever they say.
   */
  readonly failures: 'end' | 'warn';
  /** One change at a time, the others in order; `busy` when too many wait. */
  locked<T>(work: () => Promise<T>): Promise<T>;
}

/** The same interface, for the way back of an undo. */
export const forgiving = (target: ManagedInterface): ManagedInterface => ({ ...target, failures: 'warn' });

/** Tells who asked, and the log. `text`: nothing of a hook is in it. */
export function warn({ name, host, warnings }: ManagedInterface, text: string, error: unknown): void {
  warnings.push(text);
  host.log.warn(text, { interface: name, error: String(error) });
}

/** The interfaces of the host, by name, whether they exist or not. */
export interface Interfaces {
  /** `caller`: left out = the agent itself. */
  open(name: string, caller?: Caller): ManagedInterface;
}

/** Handles of interfaces on this host; opening one touches nothing. */
export function createInterfaces(host: Host, backends: Backends): Interfaces {
  const names = new EndpointNames();
  const looks = new LookMemory({
    sources: [host.events.network, host.events.firewall],
    nowMs: () => performance.now(),
  });
  const lives = new LifeWatch(host.events.network);
  const open = (name: string, caller: Caller = AGENT_ITSELF): ManagedInterface => {
    const path = host.configPath(name);
    return {
      name,
      path,
      readFile: () => readText(path),
      async writeFile(text) {
        const previous = widerAccess(path);
        const table = compile(interfaceOf(parseDocument(text)), name);
        // The file must never name a table that is not there yet.
        if (table !== null) await writeSidecar({ path }, table);
        await writeDurably(path, text);
        if (table === null) await settleSidecar({ path, name }, text);
        if (previous !== null)
          host.log.warn('the file is 0600 root:root from now on: it holds a private key', { path, previous });
      },
      async removeFile() {
        await removeDurably(path);
        await writeSidecar({ path }, null);
      },
      state: host.state.open(name),
      backend: backends.open(name),
      host,
      names,
      looks,
      lives,
      caller,
      warnings: [],
      failures: 'end',
      locked: (work) => host.lock.run(name, work),
    };
  };
  return { open };
}

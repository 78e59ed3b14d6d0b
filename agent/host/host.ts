import { join } from 'node:path';
import type { Logger } from '../log.ts';
import type { HookPolicy } from '../protocol/hooks/hook.ts';
import type { AuditLog } from './audit-log.ts';
import type { CommandRunner } from './command-runner.ts';
import { createDialect, type Dialect } from './dialect.ts';
import { createInterfaceLock, type InterfaceLock } from './interface-lock.ts';
import { IP_MONITOR, KernelMonitor, type NetworkEvents, NFT_MONITOR } from './network-events.ts';
import type { StateFolder } from './state-folder.ts';

/** Deadlines of what people write. */
export interface HostLimits {
  /** Deadline of one hook, ms. */
  readonly hookTimeoutMs: number;
}

/** Everything through which the agent touches the machine. */
export interface Host {
  readonly runner: CommandRunner;
  readonly state: StateFolder;
  readonly log: Logger;
  readonly audit: AuditLog;
  readonly limits: HostLimits;
  /** Which hooks may come new. */
  readonly hooks: HookPolicy;
  readonly lock: InterfaceLock;
  /** What changes in the kernel; nobody listens yet. */
  readonly events: {
    readonly network: NetworkEvents;
    /** Where no nft(8) is, it tells nothing. */
    readonly firewall: NetworkEvents;
  };
  /** How the installed wg-quick reads files. */
  readonly dialect: () => Promise<Dialect>;
  /** `/etc/wireguard` outside of tests. */
  readonly configFolder: string;
  readonly configPath: (name: string) => string;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

/** What a Host is made of. */
export type HostDependencies = Omit<Host, 'configPath' | 'lock' | 'dialect' | 'events'>;

/** Puts the agent's way to the machine together; touches nothing. */
export const createHost = (dependencies: HostDependencies): Host => ({
  ...dependencies,
  lock: createInterfaceLock(),
  events: {
    network: new KernelMonitor(dependencies.runner, IP_MONITOR),
    firewall: new KernelMonitor(dependencies.runner, NFT_MONITOR),
  },
  dialect: createDialect(dependencies.runner),
  configPath: (name) => join(dependencies.configFolder, `${name}.conf`),
});

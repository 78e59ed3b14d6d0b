import { join } from 'node:path';
import type { Logger } from '../log.ts';
import { readText } from './config-files.ts';
import type { CommandRunner } from './command-runner.ts';
import type { StateFolder } from './state-folder.ts';

export interface HostLimits {
  /** Deadline of one hook, ms. */
  readonly hookTimeoutMs: number;
  /** Deadline of one wg-quick call with all its hooks, ms. */
  readonly quickTimeoutMs: number;
}

/** Everything through which the agent touches the machine. */
export interface Host {
  readonly runner: CommandRunner;
  readonly state: StateFolder;
  readonly log: Logger;
  readonly limits: HostLimits;
  /** `/etc/wireguard` outside of tests. */
  readonly configFolder: string;
  readonly configPath: (name: string) => string;
  readonly readFile: (name: string) => Promise<string | null>;
  readonly nowMs: () => number;
}

export type HostParts = Omit<Host, 'configPath' | 'readFile'>;

export function createHost(parts: HostParts): Host {
  const configPath = (name: string): string => join(parts.configFolder, `${name}.conf`);
  return { ...parts, configPath, readFile: (name) => readText(configPath(name)) };
}

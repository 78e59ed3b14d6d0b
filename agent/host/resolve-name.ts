import { isIPv6 } from 'node:net';
import type { CommandRunner } from './command-runner.ts';

/** A resolver asks each of three servers twice for five seconds. */
const LIMIT_MS = 30_000;

/**
 * The first address of a host name as getaddrinfo(3) knows it, in brackets where it is IPv6; undefined where there is none. A process of
 * its own: in ours a name server that does not answer would hold up all work on files.
 */
export async function resolveName(runner: CommandRunner, host: string): Promise<string | undefined> {
  // What begins with a dash would be an option.
  if (!/^[a-zA-Z0-9_]/.test(host)) return undefined;
  const { exitCode, stdout } = await runner.run('getent', ['ahosts', host], { timeoutMs: LIMIT_MS });
  const address = /^[0-9a-fA-F:.]+/.exec(stdout)?.[0];
  if (exitCode !== 0 || address === undefined) return undefined;
  return isIPv6(address) ? `[${address}]` : address;
}

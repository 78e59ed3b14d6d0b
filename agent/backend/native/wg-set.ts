import { type CommandRunner, mustRun } from '../../host/command-runner.ts';

/** One change by `wg set` (wg(8)). */
export interface WgSet {
  /** Arguments about the device itself. */
  readonly head: readonly string[];
  /** Arguments, a list for each peer. */
  readonly peers: readonly (readonly string[])[];
  /** A descriptor that the arguments name as `/dev/fd/3`. */
  readonly fd?: number;
}

/** One process takes at most so many peers: the arguments of a process are limited (execve(2), E2BIG). */
const PEERS_A_CALL = 1_000;

/** `wg set NAME`, in as many calls as the arguments need; none when there is nothing to set. */
export async function wgSet(runner: CommandRunner, name: string, { head, peers, fd }: WgSet): Promise<void> {
  for (let start = 0; start === 0 || start < peers.length; start += PEERS_A_CALL) {
    const args = [...(start === 0 ? head : []), ...peers.slice(start, start + PEERS_A_CALL).flat()];
    if (args.length > 0) await mustRun(runner, ['wg', 'set', name, ...args], fd === undefined ? {} : { fds: [fd] });
  }
}

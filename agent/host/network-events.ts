import type { CommandRunner, Followed } from './command-runner.ts';
import { readKernelFile } from './kernel-file.ts';

/** Tells of changes in the kernel as they happen. */
export interface NetworkEvents {
  /** Begins to listen, if it does not yet. */
  start(): void;
  /** Whether every change since the last call of a listener has been, or will at once be, told: false while nobody listens to the kernel. */
  isReliable(): boolean;
  /** `line`: as the program prints it; null = something may have been missed. */
  onChange(listener: (line: string | null) => void): void;
  stop(): void;
}

/** A process that is stopped by a signal is noticed within this time. */
const SEEN_MS = 200;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;

/** Links, addresses, routes and rules (ip-monitor(8)). */
export const IP_MONITOR = ['ip', '-oneline', 'monitor', 'link', 'address', 'route', 'rule'] as const;
/** What goes from the ruleset, be it by nft(8) or by an iptables(8) that works on nf_tables: a rule that is lost is one that was deleted. */
export const NFT_MONITOR = ['nft', 'monitor', 'destroy'] as const;

/** Follows a program that prints what changes, one small process; started again, ever later, when it ends. */
export class KernelMonitor implements NetworkEvents {
  readonly #command: readonly [string, ...string[]];
  readonly #runner: CommandRunner;
  readonly #listeners: ((line: string | null) => void)[] = [];
  #followed: Followed | undefined;
  #subscribed = false;
  #running = false;
  #seenMs = -Infinity;
  #pauseMs = FIRST_PAUSE_MS;
  #started = false;
  #stopped = false;

  constructor(runner: CommandRunner, command: readonly [string, ...string[]]) {
    this.#runner = runner;
    this.#command = command;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#start();
  }

  isReliable(): boolean {
    const pid = this.#followed?.pid;
    if (pid === undefined) return false;
    if (!this.#subscribed && isSubscribed(pid)) {
      this.#subscribed = true;
      this.#pauseMs = FIRST_PAUSE_MS;
      // What changed before it listened is told by nobody.
      this.#tell(null);
    }
    if (performance.now() - this.#seenMs > SEEN_MS) {
      this.#running = isRunning(pid);
      this.#seenMs = performance.now();
    }
    return this.#subscribed && this.#running;
  }

  onChange(listener: (line: string | null) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    this.#stopped = true;
    this.#followed?.stop();
  }

  #tell(line: string | null): void {
    for (const listener of this.#listeners) listener(line);
  }

  #start(): void {
    this.#subscribed = false;
    this.#seenMs = -Infinity;
    const [program, ...args] = this.#command;
    this.#followed = this.#runner.follow(program, args, {
      onLine: (line) => {
        this.#tell(line);
      },
      // It says so when the kernel had more to tell than it could take.
      onError: () => {
        this.#tell(null);
      },
      onEnd: () => {
        this.#followed = undefined;
        this.#tell(null);
        if (this.#stopped) return;
        setTimeout(() => {
          this.#start();
        }, this.#pauseMs).unref();
        this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS);
      },
    });
  }
}

/** Whether a netlink socket of that process listens to a group: `sk Eth Pid Groups ...` of /proc/net/netlink. */
const isSubscribed = (pid: number): boolean =>
  (readKernelFile(`/proc/${String(pid)}/net/netlink`) ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, , owner, groups]) => owner === String(pid) && Number.parseInt(groups ?? '0', 16) !== 0);

/** Not stopped by a signal or a debugger (the state in proc(5) `stat`). */
const isRunning = (pid: number): boolean => /\) [RSD] /.test(readKernelFile(`/proc/${String(pid)}/stat`) ?? '');

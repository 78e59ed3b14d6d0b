import { readFileSync } from 'node:fs';
import type { CommandRunner, Followed } from './command-runner.ts';

/** Tells of changes of links, addresses, routes and rules as they happen. */
export interface NetworkEvents {
  /** Whether every change since the last call of a listener has been, or will at once be, told: false while nobody listens to the kernel. */
  isReliable(): boolean;
  /** `line`: as ip-monitor(8) prints it; null = something may have been missed. */
  onChange(listener: (line: string | null) => void): void;
  stop(): void;
}

/** A process that is stopped by a signal is noticed within this time. */
const SEEN_MS = 200;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/** Follows `ip monitor`, one small process; started again, ever later, when it ends. */
export function followNetwork(runner: CommandRunner): NetworkEvents {
  const listeners: ((line: string | null) => void)[] = [];
  const tell = (line: string | null): void => {
    for (const listener of listeners) listener(line);
  };
  let followed: Followed | undefined;
  let subscribed = false;
  let pauseMs = FIRST_PAUSE_MS;
  let stopped = false;
  let running = false;
  let seenMs = -Infinity;
  const start = (): void => {
    subscribed = false;
    seenMs = -Infinity;
    followed = runner.follow('ip', ['-oneline', 'monitor', 'link', 'address', 'route', 'rule'], {
      onLine: tell,
      // It says so when the kernel had more to tell than it could take.
      onError: () => {
        tell(null);
      },
      onEnd: () => {
        followed = undefined;
        tell(null);
        if (stopped) return;
        setTimeout(start, pauseMs).unref();
        pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
      },
    });
  };
  start();
  return {
    isReliable() {
      const pid = followed?.pid;
      if (pid === undefined) return false;
      if (!subscribed) {
        // What changed before it listened is told by nobody.
        subscribed = isSubscribed(pid);
        if (subscribed) {
          pauseMs = FIRST_PAUSE_MS;
          tell(null);
        }
      }
      if (subscribed && performance.now() - seenMs > SEEN_MS) {
        running = isRunning(pid);
        seenMs = performance.now();
      }
      return subscribed && running;
    },
    onChange(listener) {
      listeners.push(listener);
    },
    stop() {
      stopped = true;
      followed?.stop();
    },
  };
}

/** Whether a netlink socket of that process listens to a group: `sk Eth Pid Groups ...` of /proc/net/netlink. */
const isSubscribed = (pid: number): boolean =>
  textOf(`/proc/${String(pid)}/net/netlink`)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, , owner, groups]) => owner === String(pid) && Number.parseInt(groups ?? '0', 16) !== 0);

/** Not stopped by a signal or a debugger (the state in proc(5) `stat`). */
const isRunning = (pid: number): boolean => /\) [RSD] /.test(textOf(`/proc/${String(pid)}/stat`));

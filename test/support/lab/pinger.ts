import { spawn } from 'node:child_process';
import { until } from '../until.ts';
import { PingLog, type PingSummary } from './ping-log.ts';

/** A ping that runs in the background. */
export interface Pinger {
  /** Probes sent so far. */
  sent(): number;
  received(): number;
  /** Counts the probes sent until this call; their replies are given `REPLY_MS` to come in. */
  stop(): Promise<PingSummary>;
}

// A probe that was lost is never answered: this is only the time after which it counts as lost.
const REPLY_MS = 10_000;

export interface PingCommand {
  readonly target: string;
  readonly intervalMs: number;
  readonly env: Readonly<Record<string, string>>;
  /** Wraps a command so that it runs in a host. */
  readonly argvFor: (argv: readonly string[]) => string[];
}

/** Starts ping(8). Resolves when the first probe was sent. */
export async function startPinger(command: PingCommand): Promise<Pinger> {
  const { argvFor, env, target, intervalMs } = command;
  // -O prints a line for each probe without a reply, so that every probe is seen.
  const [program = '', ...args] = argvFor(['ping', '-n', '-D', '-O', '-i', String(intervalMs / 1000), target]);
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const log = new PingLog();
  let stderr = '';
  let ended = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    log.add(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-1_000)));
  child.on('error', (error) => (stderr = error.message));
  child.on('close', () => (ended = true));
  const giveUp = (): string | undefined => (ended ? `ping ended: ${stderr.trim()}` : undefined);
  await until(`ping ${target} to send its first probe`, () => log.sent() > 0, { giveUp, intervalMs: 5 });
  return {
    sent: () => log.sent(),
    received: () => log.summary(log.sent()).received,
    stop: async () => {
      if (ended) throw new Error(`ping ${target} ended by itself: ${stderr.trim()}`);
      const last = log.sent();
      const deadline = performance.now() + REPLY_MS;
      await until('the last replies', () => log.summary(last).lost === 0 || performance.now() > deadline, {
        intervalMs: 10,
        giveUp,
      });
      child.kill('SIGINT');
      await until('ping to end', () => ended, { intervalMs: 5 });
      return log.summary(last);
    },
  };
}

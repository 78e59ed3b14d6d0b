import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { until } from '../until.ts';
import { isStopped } from './process-identity.ts';

export interface DaemonOptions {
  readonly name: string;
  /** stdout and stderr are appended to it, over restarts. */
  readonly logFile: string;
}

export interface LaunchOptions {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Looked at until it resolves to true. */
  readonly isReady: () => Promise<boolean>;
  readonly readyMs: number;
}

const LOG_TAIL_LINES = 15;
const END_MS = 60_000;

/** A long-running process of the lab that can be started, stopped and killed again and again. */
export class Daemon {
  readonly #options: DaemonOptions;
  #child: ChildProcess | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  /** How it ended the last time: its exit code, or the signal that killed it; undefined while it runs. */
  get ending(): number | NodeJS.Signals | undefined {
    return this.#child?.signalCode ?? this.#child?.exitCode ?? undefined;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  logText(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /** Starts it and waits until it is ready; when it dies before that, the error has the end of its log. */
  async start({ argv, env, isReady, readyMs }: LaunchOptions): Promise<void> {
    const { name } = this.#options;
    if (this.running) throw new Error(`Cannot start ${name}: it runs already`);
    const [program = '', ...args] = argv;
    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(program, args, { env, stdio: ['ignore', log, log], detached: true, cwd: '/' });
    closeSync(log);
    let failure: Error | undefined;
    child.on('error', (error) => (failure = error));
    this.#child = child;
    try {
      await until(`${name} to be ready`, isReady, {
        timeoutMs: readyMs,
        giveUp: () =>
          this.running
            ? undefined
            : `it ended (${failure?.message ?? `exit code ${String(child.exitCode)}, signal ${String(child.signalCode)}`})`,
      });
    } catch (error) {
      await this.kill();
      throw new Error(`Cannot start ${name}; the end of its log:\n${this.#logTail()}`, { cause: error });
    }
  }

  /** SIGTERM, and SIGKILL when it hangs; resolves when it has ended. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM').catch(() => this.kill());
  }

  /** SIGKILL; resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /**
   * Runs `work` while the process stands still (SIGSTOP), however long that takes: it sees nothing, asks for nothing and answers
   * nothing meanwhile. What it has asked of others before goes on there.
   */
  async heldStill<T>(work: () => Promise<T>): Promise<T> {
    const { pid } = this;
    if (pid === undefined) throw new Error(`Cannot hold ${this.#options.name} still: it does not run`);
    this.#child?.kill('SIGSTOP');
    try {
      await until(`${this.#options.name} to stand still`, () => isStopped(pid), { intervalMs: 1 });
      return await work();
    } finally {
      this.#child?.kill('SIGCONT');
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    const options = { timeoutMs: END_MS, intervalMs: 10 };
    await until(`${this.#options.name} to end after ${signal}`, () => !this.running, options);
  }

  #logTail(): string {
    return this.logText().trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  }
}

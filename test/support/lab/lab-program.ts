import { Daemon, type DaemonOptions } from './daemon.ts';

/** One of our programs in the lab: ended, killed and read alike, started each in its own way. */
export abstract class LabProgram {
  protected readonly daemon: Daemon;

  constructor(options: DaemonOptions) {
    this.daemon = new Daemon(options);
  }

  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void> {
    return this.daemon.stop();
  }

  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void> {
    return this.daemon.kill();
  }

  /** Runs `work` while it stands still; see `Daemon`. */
  heldStill<T>(work: () => Promise<T>): Promise<T> {
    return this.daemon.heldStill(work);
  }

  /** How it ended the last time: its exit code, or the signal that killed it; undefined while it runs. */
  get ending(): number | NodeJS.Signals | undefined {
    return this.daemon.ending;
  }

  get pid(): number | undefined {
    return this.daemon.pid;
  }

  get running(): boolean {
    return this.daemon.running;
  }

  get logFile(): string {
    return this.daemon.logFile;
  }

  logText(): string {
    return this.daemon.logText();
  }
}

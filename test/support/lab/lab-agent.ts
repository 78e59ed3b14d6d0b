import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { httpGet } from './http-get.ts';
import { repositoryPath } from './repository.ts';

export interface LabAgentOptions {
  readonly name: string;
  readonly folder: string;
  readonly url: string;
  readonly caPem: string;
  readonly env: Readonly<Record<string, string>>;
  /** Wraps a command so that it runs in the host. */
  readonly argvFor: (argv: readonly string[]) => string[];
}

const READY_MS = 20_000;

/** The agent of a host. */
export class LabAgent {
  readonly #options: LabAgentOptions;
  readonly #daemon: Daemon;

  constructor(options: LabAgentOptions) {
    this.#options = options;
    this.#daemon = new Daemon({
      name: `agent ${options.name}`,
      logFile: join(options.folder, `agent-${options.name}.log`),
    });
  }

  /** Resolves when it answers GET /health. `env` comes on top of the clean environment. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { argvFor, url, caPem } = this.#options;
    await this.#daemon.start({
      argv: argvFor([process.execPath, repositoryPath('agent/main.ts')]),
      env: { ...this.#options.env, ...env },
      isReady: async () => (await httpGet(`${url}/health`, { ca: caPem })).status === 200,
      readyMs: READY_MS,
    });
  }

  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void> {
    return this.#daemon.stop();
  }

  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void> {
    return this.#daemon.kill();
  }

  get pid(): number | undefined {
    return this.#daemon.pid;
  }

  get running(): boolean {
    return this.#daemon.running;
  }

  get logFile(): string {
    return this.#daemon.logFile;
  }

  logText(): string {
    return this.#daemon.logText();
  }
}

import { join } from 'node:path';
import { httpGet } from './http-get.ts';
import { LabProgram } from './lab-program.ts';
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

const READY_MS = 120_000;

/** The agent of a host. */
export class LabAgent extends LabProgram {
  readonly #options: LabAgentOptions;

  constructor(options: LabAgentOptions) {
    super({ name: `agent ${options.name}`, logFile: join(options.folder, `agent-${options.name}.log`) });
    this.#options = options;
  }

  /** Resolves when it answers GET /health. `env` comes on top of the clean environment. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { argvFor, url, caPem } = this.#options;
    await this.daemon.start({
      argv: argvFor([process.execPath, repositoryPath('agent/main.ts')]),
      env: { ...this.#options.env, ...env },
      isReady: async () => (await httpGet(`${url}/health`, { ca: caPem })).status === 200,
      readyMs: READY_MS,
    });
  }
}

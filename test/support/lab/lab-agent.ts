import { readFileSync } from 'node:fs';
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

/** A request that the agent has answered, from its log. */
export interface LoggedRequest {
  readonly method: string;
  /** With the name of the interface in it. */
  readonly path: string;
  readonly status: number;
  /** When it was answered, ISO 8601 in milliseconds: comparable over the agents of a lab. */
  readonly timestamp: string;
}

/** What the systemd unit sets. */
function unitEnvironment(): Record<string, string> {
  const unit = readFileSync(repositoryPath('agent/systemd/wgnode-agent.service'), 'utf8');
  const settings = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return Object.fromEntries(settings.map((setting) => setting.split('=', 2)) as [string, string][]);
}

const READY_MS = 120_000;

/** The agent of a host. */
export class LabAgent extends LabProgram {
  readonly #options: LabAgentOptions;

  constructor(options: LabAgentOptions) {
    super({ name: `agent ${options.name}`, logFile: join(options.folder, `agent-${options.name}.log`) });
    this.#options = options;
  }

  /**
   * Resolves when it answers GET /health. `env` comes on top of the clean environment. It logs every request, so that tests can count.
   * `caPem`: of a certificate that is not the lab's.
   */
  async start(env: Readonly<Record<string, string>> = {}, caPem = this.#options.caPem): Promise<void> {
    const { argvFor, url } = this.#options;
    await this.daemon.start({
      argv: argvFor([process.execPath, process.env['WGNODE_LAB_AGENT'] ?? repositoryPath('agent/main.ts')]),
      env: { ...this.#options.env, ...unitEnvironment(), WGNODE_LOG_LEVEL: 'debug', ...env },
      isReady: async () => (await httpGet(`${url}/health`, { ca: caPem })).status === 200,
      readyMs: READY_MS,
    });
  }

  /** All signed requests that it has answered so far, over restarts, in this order. */
  requests(): LoggedRequest[] {
    const lines = this.logText().split('\n').slice(0, -1);
    return lines
      .filter((line) => line.includes('"message":"request"') && !line.includes('"path":"/health"'))
      .map((line) => JSON.parse(line) as LoggedRequest & { readonly interface: string })
      .map(({ method, path, interface: name, status, timestamp }) => ({
        ...{ method, status, timestamp },
        path: path.replace(':name', name),
      }));
  }
}

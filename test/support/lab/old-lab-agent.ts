import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { httpGet } from './http-get.ts';
import { LabProgram } from './lab-program.ts';
import { repositoryPath } from './repository.ts';
import type { LabHost } from './start-host.ts';

const PORT = 8080;
const READY_MS = 120_000;

/**
 * The WGDashboard node agent of a host, plain HTTP, by the environment alone: the model of it, or the one in the folder of
 * WGNODE_OLD_AGENT (`app.py`, and a `venv` beside it or python3 with its packages).
 */
export class OldLabAgent extends LabProgram {
  readonly url: string;
  readonly #host: LabHost;

  constructor(host: LabHost, folder: string) {
    super({ name: `old agent ${host.name}`, logFile: join(folder, `old-agent-${host.name}.log`) });
    this.#host = host;
    this.url = `http://${host.address}:${String(PORT)}`;
  }

  /** Whether it is the real one: some things can be done to the model alone. */
  get isReal(): boolean {
    return process.env['WGNODE_OLD_AGENT'] !== undefined;
  }

  /** `skewMs`: how wrong the model's wall clock is. */
  async start({ secret = this.#host.hmacKey, skewMs = 0 } = {}): Promise<void> {
    const { address } = this.#host;
    await this.#start(this.#argv(skewMs), {
      ...{ WG_AGENT_SECRET: secret, WG_AGENT_HOST: address, WG_AGENT_PORT: String(PORT) },
      WGNODE_LAB_SKEW_MS: String(skewMs),
    });
  }

  /** Ours in its place, by the same names of the environment. */
  async startOurs(): Promise<void> {
    const { hmacKey, address } = this.#host;
    await this.#start([process.execPath, repositoryPath('agent/main.ts')], {
      ...{ WG_AGENT_SECRET: hmacKey, WG_AGENT_HOST: address, WG_AGENT_PORT: String(PORT) },
    });
  }

  #argv(skewMs: number): string[] {
    const folder = process.env['WGNODE_OLD_AGENT'];
    if (folder === undefined) {
      const clock = skewMs === 0 ? [] : ['--import', repositoryPath('test/support/skewed-clock.ts')];
      return [process.execPath, ...clock, repositoryPath('test/support/old-agent/main.ts')];
    }
    const own = join(folder, 'venv/bin/python');
    const python = existsSync(own) ? own : 'python3';
    const place = ['--host', this.#host.address, '--port', String(PORT), '--no-access-log'];
    return [python, '-m', 'uvicorn', 'app:app', '--app-dir', folder, ...place];
  }

  #start(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return this.daemon.start({
      argv: this.#host.argvFor(argv),
      env: { PATH: path, HOME: '/root', LC_ALL: 'C', ...env },
      isReady: async () => (await httpGet(`${this.url}/health`)).status === 200,
      readyMs: READY_MS,
    });
  }
}

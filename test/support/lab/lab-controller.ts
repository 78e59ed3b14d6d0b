import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { labEnvironment } from './environment.ts';
import { httpGet } from './http-get.ts';
import type { LabNames } from './lab-names.ts';
import { repositoryPath } from './repository.ts';

export interface LabControllerOptions {
  readonly names: LabNames;
  readonly kubeconfig: string;
  readonly ports: { readonly metrics: number; readonly health: number };
}

const READY_MS = 20_000;

/** The controller, run as its own service account. Call `lab.kube.install()` before its first start. */
export class LabController {
  readonly metricsUrl: string;
  readonly #options: LabControllerOptions;
  readonly #daemon: Daemon;

  constructor(options: LabControllerOptions) {
    const { names, ports } = options;
    this.#options = options;
    this.metricsUrl = `http://${names.loopback}:${String(ports.metrics)}/metrics`;
    this.#daemon = new Daemon({ name: 'the controller', logFile: join(names.folder, 'controller.log') });
  }

  /** Resolves when GET /readyz answers 200. `args` come after the lab's own. */
  async start({ args = [] }: { readonly args?: readonly string[] } = {}): Promise<void> {
    const { names, ports, kubeconfig } = this.#options;
    const health = `${names.loopback}:${String(ports.health)}`;
    const own = [
      '--metrics-address',
      `${names.loopback}:${String(ports.metrics)}`,
      '--health-address',
      health,
      '--allow-agent-cidr',
      names.network,
    ];
    await this.#daemon.start({
      argv: [process.execPath, repositoryPath('controller/main.ts'), ...own, ...args],
      env: { ...labEnvironment(names.number), KUBECONFIG: kubeconfig },
      isReady: async () => (await httpGet(`http://${health}/readyz`)).status === 200,
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

  async metricsText(): Promise<string> {
    const { status, body } = await httpGet(this.metricsUrl);
    if (status !== 200) throw new Error(`GET ${this.metricsUrl} answered ${String(status)}`);
    return body;
  }
}

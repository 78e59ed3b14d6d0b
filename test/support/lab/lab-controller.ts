import { join } from 'node:path';
import { labEnvironment } from './environment.ts';
import { httpGet } from './http-get.ts';
import type { LabNames } from './lab-names.ts';
import { LabProgram } from './lab-program.ts';
import { repositoryPath } from './repository.ts';

export interface LabControllerOptions {
  /** Of its log. */
  readonly name: string;
  /** How wrong its wall clock is. */
  readonly skewMs?: number;
  readonly names: LabNames;
  readonly kubeconfig: string;
  readonly ports: { readonly metrics: number; readonly health: number };
}

const READY_MS = 120_000;
const CONTROLLER = process.env['WGNODE_LAB_CONTROLLER'] ?? repositoryPath('controller/main.ts');

const SKEWED_CLOCK = repositoryPath('test/support/skewed-clock.ts');

/** Wraps a command so that it has mounts of its own. */
export const seeing = (resolvConf: string): string[] => [
  ...['unshare', '--mount', 'sh', '-c', `mount --bind "$0" /etc/resolv.conf && exec "$@"`],
  resolvConf,
];

/** The controller, run as its own service account. Call `lab.kube.install()` before its first start. */
export class LabController extends LabProgram {
  readonly metricsUrl: string;
  readonly #options: LabControllerOptions;

  constructor(options: LabControllerOptions) {
    const { name, names, ports } = options;
    super({ name: `the ${name}`, logFile: join(names.folder, `${name}.log`) });
    this.#options = options;
    this.metricsUrl = `http://${names.loopback}:${String(ports.metrics)}/metrics`;
  }

  /**
   * Resolves when GET /readyz answers 200. `args` come after the lab's own. `resolvConf`: a file that it sees in the place of
   * /etc/resolv.conf.
   */
  async start({
    args = [],
    resolvConf,
  }: { readonly args?: readonly string[]; readonly resolvConf?: string } = {}): Promise<void> {
    const { names, ports, kubeconfig, skewMs = 0 } = this.#options;
    const health = `${names.loopback}:${String(ports.health)}`;
    const own = [
      '--metrics-address',
      `${names.loopback}:${String(ports.metrics)}`,
      '--health-address',
      health,
      '--allow-agent-cidr',
      names.network,
    ];
    await this.daemon.start({
      argv: [
        ...(resolvConf === undefined ? [] : seeing(resolvConf)),
        ...[process.execPath, ...(skewMs === 0 ? [] : ['--import', SKEWED_CLOCK]), CONTROLLER],
        ...[...own, ...args],
      ],
      env: { ...labEnvironment(names.number), KUBECONFIG: kubeconfig, WGNODE_LAB_SKEW_MS: String(skewMs) },
      isReady: async () => (await httpGet(`http://${health}/readyz`)).status === 200,
      readyMs: READY_MS,
    });
  }

  /** The sum of a metric over all samples that have these labels; 0 where there is none yet. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return (await this.metricsText())
      .split('\n')
      .filter((line) => line.split(/[{ ]/, 1)[0] === name && wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async metricsText(): Promise<string> {
    const { status, body } = await httpGet(this.metricsUrl);
    if (status !== 200) throw new Error(`GET ${this.metricsUrl} answered ${String(status)}`);
    return body;
  }
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificateAuthority } from './certificate-authority.ts';
import { freePorts } from './free-ports.ts';
import { makeNetwork } from './host-network.ts';
import { startJanitor } from './janitor.ts';
import { LabController } from './lab-controller.ts';
import { claimNumber, withLabsLocked } from './lab-lock.ts';
import { type LabNames, labNames, MAX_HOSTS } from './lab-names.ts';
import { removeLab, removeRemains, removeStaleLabs } from './remove-lab.ts';
import { type LabHost, startHost } from './start-host.ts';
import { type Kube, startKube } from './start-kube.ts';

export interface LabOptions {
  /** Names of the hosts: lower case letters, digits and hyphens. */
  readonly hosts: readonly string[];
  readonly onProgress?: (line: string) => void;
  /** Only the API server and its companions: `hosts` is not looked at. */
  readonly kubeOnly?: boolean;
}

/** A cluster and machines outside of it, all real, on this machine alone. Neither controller nor agents run until they are started. */
export interface Lab {
  readonly id: string;
  /** Everything the lab writes, mode 0700; removed by `stop`. */
  readonly folder: string;
  readonly kube: Kube;
  readonly hosts: ReadonlyMap<string, LabHost>;
  readonly controller: LabController;
  /** Another controller of the same cluster, with its own ports and log; it does not run yet. */
  newController(name: string, options?: OtherController): Promise<LabController>;
  host(name: string): LabHost;
  /** Paths of the log files of all programs; a program that never ran has none yet. */
  outputs(): string[];
  /** Ends and removes everything. */
  stop(): Promise<void>;
}

export interface OtherController {
  /** How wrong its wall clock is. */
  readonly skewMs?: number;
  /** By which port it reaches the API server, in the place of the API server's own. */
  readonly apiPort?: number;
}

/**
 * Starts a lab; several may run at once. Needs root. When the owner dies without `stop`, a janitor process removes the lab;
 * what a dead janitor left is removed by the next start or by hack/lab-clean.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { onProgress = () => undefined } = options;
  const hostNames = options.kubeOnly === true ? [] : checkedNames(options.hosts);
  if (process.getuid?.() !== 0)
    throw new Error('Cannot start a lab: it makes network namespaces and mounts, so it needs root');
  const number = await withLabsLocked(async () => {
    for (const line of await removeStaleLabs()) onProgress(`removed stale ${line}`);
    return claimNumber();
  });
  const janitor = startJanitor();
  const stop = async (): Promise<void> => {
    await removeLab(number);
    janitor.dismiss();
  };
  try {
    await removeRemains(number);
    const lab = await build(labNames(number), hostNames, onProgress);
    return { ...lab, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  names: LabNames,
  hostNames: readonly string[],
  onProgress: (line: string) => void,
): Promise<Omit<Lab, 'stop'>> {
  mkdirSync(names.folder, { mode: 0o700 });
  const timed = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work;
    onProgress(`${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    return result;
  };
  // allSettled: nothing may still be starting when a failure of the other makes us clean up.
  const [kubeResult, hostsResult] = await Promise.allSettled([
    timed('API server is ready', startKube(names)),
    timed(`${String(hostNames.length)} hosts are up`, startHosts(names, hostNames)),
  ]);
  if (kubeResult.status === 'rejected') throw kubeResult.reason;
  if (hostsResult.status === 'rejected') throw hostsResult.reason;
  const [kube, hosts] = [kubeResult.value, hostsResult.value];
  const controllers: LabController[] = [];
  const newController: Lab['newController'] = async (name, { skewMs = 0, apiPort } = {}) => {
    const [metrics = 0, health = 0] = await freePorts(names.loopback, 2);
    const ports = { metrics, health };
    const kubeconfig = apiPort === undefined ? kube.controllerKubeconfig : await kube.controllerKubeconfigAt(apiPort);
    const made = new LabController({ name, names, kubeconfig, ports, skewMs });
    controllers.push(made);
    return made;
  };
  const controller = await newController('controller');
  return {
    id: String(names.number),
    folder: names.folder,
    kube,
    hosts,
    controller,
    newController,
    host: (name) => {
      const host = hosts.get(name);
      if (host === undefined) throw new Error(`The lab has no host '${name}'; it has: ${[...hosts.keys()].join(', ')}`);
      return host;
    },
    outputs: () => [
      ...[...hosts.values()].map((host) => host.agent.logFile),
      ...controllers.map(({ logFile }) => logFile),
      ...kube.logFiles,
    ],
  };
}

async function startHosts(names: LabNames, hostNames: readonly string[]): Promise<ReadonlyMap<string, LabHost>> {
  if (hostNames.length === 0) return new Map();
  const authority = await makeCertificateAuthority(join(names.folder, 'agent-tls'), 'lab agent CA');
  await makeNetwork(names, hostNames);
  const hosts = await Promise.all(hostNames.map((name, index) => startHost(names, name, index, authority)));
  return new Map(hosts.map((host) => [host.name, host]));
}

function checkedNames(hosts: readonly string[]): readonly string[] {
  const bad = hosts.find((name) => !/^[a-z0-9][a-z0-9-]{0,40}$/.test(name));
  if (bad !== undefined)
    throw new Error(`Cannot make a host named '${bad}': use lower case letters, digits and hyphens`);
  if (new Set(hosts).size !== hosts.length) throw new Error(`Host names must differ: ${hosts.join(', ')}`);
  if (hosts.length > MAX_HOSTS) throw new Error(`A lab has room for ${String(MAX_HOSTS)} hosts`);
  return hosts;
}

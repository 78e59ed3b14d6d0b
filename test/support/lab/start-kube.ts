import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { labEnvironment } from './environment.ts';
import { freePorts } from './free-ports.ts';
import { httpGet } from './http-get.ts';
import {
  apiServerArgv,
  auditLogFile,
  auditPolicy,
  auditPolicyFile,
  controllerManagerArgv,
  etcdArgv,
  type KubePlace,
} from './kube-arguments.ts';
import { CONTROLLER_USER, makeKubeCredentials } from './kube-credentials.ts';
import type { LabNames } from './lab-names.ts';
import { repositoryPath } from './repository.ts';
import { mustRun, outputOf, run, type RunResult } from './run.ts';
import { until } from '../until.ts';

/**
 * A real API server with etcd, and the controllers that collect garbage and empty namespaces. Deleting a namespace takes 5 s, and
 * the garbage collector learns of a new kind within 30 s: so they do in every cluster.
 */
export interface Kube {
  readonly url: string;
  readonly caFile: string;
  readonly adminKubeconfig: string;
  /** Of the controller's service account: it may do what the objects in manifests/ allow it, once they are applied. */
  readonly controllerKubeconfig: string;
  /** The same by another port of the same address, behind which the API server is reached. */
  controllerKubeconfigAt(port: number): Promise<string>;
  /** Runs kubectl as admin. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<RunResult>;
  /** As `kubectl`; throws when it fails, and returns what it printed. */
  mustKubectl(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Applies crds/ and manifests/ but not the Deployment (nothing here runs pods); resolves when the kinds are served. */
  install(): Promise<void>;
  /** Ends the API server alone, as in an outage (SIGKILL: a graceful end would wait for every watch). */
  stop(): Promise<void>;
  /** Starts it again at the same address with the same data; resolves when it is ready. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Keeps all that is stored, as a backup does. */
  save(): Promise<void>;
  /** Puts back what was saved: revisions and generations go back, too. */
  restore(): Promise<void>;
  readonly logFiles: readonly string[];
  /** What the controller's service account has asked for: lines of audit events (audit.k8s.io/v1). */
  readonly auditLog: string;
}

export interface KubectlOptions {
  readonly stdin?: string;
  /** Default 120,000. */
  readonly timeoutMs?: number;
}

const READY_MS = 180_000;

const INSTALLED = [
  'namespace',
  'serviceaccount',
  'clusterrole',
  'clusterrole-viewer',
  'clusterrole-editor',
  'clusterrolebinding',
  'role',
  'rolebinding',
  'service',
];

/** Starts it on free ports of the lab's loopback address, with all state below the lab's folder. */
export async function startKube(names: LabNames): Promise<Kube> {
  const folder = join(names.folder, 'kube');
  await mkdir(folder, { mode: 0o700 });
  const assets = (await mustRun([repositoryPath('hack/kube-assets')], { timeoutMs: 30 * 60_000 })).trim();
  const place = { assets, folder, address: names.loopback, ports: await choosePorts(names.loopback) };
  const url = `https://${names.loopback}:${String(place.ports.apiServer)}`;
  const [credentials] = await Promise.all([
    makeKubeCredentials(folder, names.loopback, url),
    writeFile(auditPolicyFile(folder), JSON.stringify(auditPolicy(CONTROLLER_USER))),
  ]);
  const env = labEnvironment(names.number);
  const daemon = (name: string): Daemon => new Daemon({ name, logFile: join(names.folder, `${name}.log`) });
  const [etcd, apiServer] = [daemon('etcd'), daemon('kube-apiserver')];
  const controllerManager = daemon('kube-controller-manager');

  const get = (path: string): Promise<boolean> =>
    httpGet(`${url}${path}`, {
      ca: credentials.authority.pem,
      headers: { authorization: `Bearer ${credentials.adminToken}` },
    }).then(({ status }) => status === 200);
  const startApiServer = (): Promise<void> =>
    apiServer.start({ argv: apiServerArgv(place, credentials), env, isReady: () => get('/readyz'), readyMs: READY_MS });

  const launch = { env, isReady: () => isEtcdReady(place), readyMs: READY_MS };
  const startEtcd = (): Promise<void> => etcd.start({ argv: etcdArgv(place), ...launch });
  await startEtcd();
  await startApiServer();
  const atOnce = { env, isReady: () => Promise.resolve(true), readyMs: READY_MS };
  await controllerManager.start({ argv: controllerManagerArgv(place, credentials), ...atOnce });
  // Made by a loop of the API server after it calls itself ready.
  await until('the namespace default', () => get('/api/v1/namespaces/default'));

  const kubectl = kubectlAs(join(assets, 'kubectl'), credentials.adminKubeconfig, { ...env, HOME: folder });
  const mustKubectl: Kube['mustKubectl'] = async (args, options) =>
    outputOf(['kubectl', ...args], await kubectl(args, options));
  return {
    url,
    caFile: credentials.authority.certFile,
    adminKubeconfig: credentials.adminKubeconfig,
    controllerKubeconfig: credentials.controllerKubeconfig,
    controllerKubeconfigAt: (port) => withOtherPort(credentials.controllerKubeconfig, url, port),
    kubectl,
    mustKubectl,
    install: () => install(mustKubectl),
    stop: () => apiServer.kill(),
    start: startApiServer,
    restart: () => apiServer.kill().then(startApiServer),
    ...keeper(folder, { apiServer, etcd, startApiServer, startEtcd }),
    auditLog: auditLogFile(folder),
    logFiles: [etcd.logFile, apiServer.logFile, controllerManager.logFile],
  };
}

const isEtcdReady = async ({ address, ports }: KubePlace): Promise<boolean> =>
  (await httpGet(`http://${address}:${String(ports.etcd)}/health`)).status === 200;

/** A copy of a kubeconfig by which the API server is reached through another port of its address. */
async function withOtherPort(kubeconfig: string, url: string, port: number): Promise<string> {
  const other = new URL(url);
  other.port = String(port);
  const path = `${kubeconfig}-${other.port}`;
  const text = await readFile(kubeconfig, 'utf8');
  await writeFile(path, text.replaceAll(url, other.origin), { mode: 0o600 });
  return path;
}

interface Stored {
  readonly apiServer: Daemon;
  readonly etcd: Daemon;
  readonly startApiServer: () => Promise<void>;
  readonly startEtcd: () => Promise<void>;
}

/** Copies what etcd stores, and puts it back, while nobody runs. */
function keeper(
  folder: string,
  { apiServer, etcd, startApiServer, startEtcd }: Stored,
): Pick<Kube, 'save' | 'restore'> {
  const [data, backup] = [join(folder, 'etcd'), join(folder, 'etcd-backup')];
  const standingStill = async (work: () => Promise<void>): Promise<void> => {
    await apiServer.kill();
    await etcd.stop();
    await work();
    await startEtcd();
    await startApiServer();
  };
  return {
    save: () => standingStill(() => cp(data, backup, { recursive: true })),
    restore: () =>
      standingStill(async () => {
        await rm(data, { recursive: true });
        await cp(backup, data, { recursive: true });
      }),
  };
}

async function choosePorts(address: string): Promise<KubePlace['ports']> {
  const [etcd = 0, etcdPeer = 0, apiServer = 0] = await freePorts(address, 3);
  return { etcd, etcdPeer, apiServer };
}

function kubectlAs(program: string, kubeconfig: string, env: Readonly<Record<string, string>>): Kube['kubectl'] {
  return (args, { stdin = '', timeoutMs = 120_000 } = {}) =>
    run([program, `--kubeconfig=${kubeconfig}`, ...args], { stdin, timeoutMs, env });
}

async function install(mustKubectl: Kube['mustKubectl']): Promise<void> {
  const files = INSTALLED.flatMap((name) => ['-f', repositoryPath(`manifests/base/${name}.yaml`)]);
  await mustKubectl(['apply', '--server-side', '-k', repositoryPath('crds')]);
  await mustKubectl(['apply', '--server-side', ...files]);
  await mustKubectl(['wait', '--for=condition=Established', '--timeout=110s', 'crd', '--all']);
}

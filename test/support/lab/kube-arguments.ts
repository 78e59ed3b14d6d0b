import { join } from 'node:path';
import type { KubeCredentials } from './kube-credentials.ts';

export interface KubePlace {
  /** Of hack/kube-assets. */
  readonly assets: string;
  readonly folder: string;
  readonly address: string;
  readonly ports: { readonly etcd: number; readonly etcdPeer: number; readonly apiServer: number };
}

export const auditPolicyFile = (folder: string): string => join(folder, 'audit-policy.json');
/** What the controller has asked for, a line of JSON a request; no bodies. */
export const auditLogFile = (folder: string): string => join(folder, 'audit.log');
/** Of the controller's calls: who asked for what, and whether it was let. */
export const auditPolicy = (user: string): object => ({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'Panic'],
  rules: [{ level: 'Metadata', users: [user] }, { level: 'None' }],
});

export function etcdArgv({ assets, folder, address, ports }: KubePlace): string[] {
  const clientUrl = `http://${address}:${String(ports.etcd)}`;
  const peerUrl = `http://${address}:${String(ports.etcdPeer)}`;
  return [
    join(assets, 'etcd'),
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function apiServerArgv({ assets, folder, address, ports }: KubePlace, credentials: KubeCredentials): string[] {
  return [
    join(assets, 'kube-apiserver'),
    `--etcd-servers=http://${address}:${String(ports.etcd)}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${String(ports.apiServer)}`,
    `--cert-dir=${join(folder, 'certificates')}`,
    `--tls-cert-file=${credentials.certFile}`,
    `--tls-private-key-file=${credentials.keyFile}`,
    `--token-auth-file=${credentials.tokenFile}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // Without its controller no service account ever gets its token Secret, and pods would be refused.
    '--disable-admission-plugins=ServiceAccount',
    `--audit-policy-file=${auditPolicyFile(folder)}`,
    `--audit-log-path=${auditLogFile(folder)}`,
    '--profiling=false',
  ];
}

export function controllerManagerArgv({ assets }: KubePlace, credentials: KubeCredentials): string[] {
  return [
    join(assets, 'kube-controller-manager'),
    `--kubeconfig=${credentials.adminKubeconfig}`,
    '--controllers=garbage-collector-controller,namespace-controller',
    '--leader-elect=false',
    '--secure-port=0',
    '--profiling=false',
  ];
}

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertificateAuthority, makeCertificateAuthority } from './certificate-authority.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { mustRun } from './run.ts';

export const CONTROLLER_USER = 'system:serviceaccount:wgnode-system:wgnode-controller';
const CONTROLLER_GROUPS = 'system:serviceaccounts,system:serviceaccounts:wgnode-system,system:authenticated';

export interface KubeCredentials {
  readonly authority: CertificateAuthority;
  readonly certFile: string;
  readonly keyFile: string;
  /** Static tokens, in the form of kube-apiserver's --token-auth-file. */
  readonly tokenFile: string;
  readonly serviceAccountKeyFile: string;
  readonly adminToken: string;
  readonly adminKubeconfig: string;
  /** Of the controller's own service account, so that only its RBAC objects give it rights. */
  readonly controllerKubeconfig: string;
}

/** Makes all keys, tokens and kubeconfig files of an API server at `url` in `folder`. */
export async function makeKubeCredentials(folder: string, address: string, url: string): Promise<KubeCredentials> {
  const authority = await makeCertificateAuthority(join(folder, 'tls'), 'lab API server CA');
  const tokenFile = join(folder, 'tokens.csv');
  const serviceAccountKeyFile = join(folder, 'service-account.key');
  const [adminToken, controllerToken] = [newToken(), newToken()];
  const tokens = [
    `${adminToken},admin,admin,"system:masters"`,
    `${controllerToken},${CONTROLLER_USER},controller,"${CONTROLLER_GROUPS}"`,
  ];
  const adminKubeconfig = join(folder, 'admin.kubeconfig');
  const controllerKubeconfig = join(folder, 'controller.kubeconfig');
  const [issued] = await Promise.all([
    authority.issue('kube-apiserver', address),
    // SEC1: kube-apiserver does not take the PKCS #8 form.
    mustRun(['openssl', 'ecparam', '-genkey', '-noout', '-name', 'prime256v1', '-out', serviceAccountKeyFile]),
    writeFile(tokenFile, `${tokens.join('\n')}\n`, { mode: 0o600 }),
    writeKubeconfig(adminKubeconfig, { url, caPem: authority.pem, user: 'admin', token: adminToken }),
    writeKubeconfig(controllerKubeconfig, {
      url,
      caPem: authority.pem,
      user: 'wgnode-controller',
      token: controllerToken,
    }),
  ]);
  return { authority, ...issued, tokenFile, serviceAccountKeyFile, adminToken, adminKubeconfig, controllerKubeconfig };
}

const newToken = (): string => randomBytes(24).toString('hex');

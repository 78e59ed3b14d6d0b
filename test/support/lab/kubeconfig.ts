import { writeFile } from 'node:fs/promises';

export interface KubeconfigOptions {
  readonly url: string;
  readonly caPem: string;
  readonly user: string;
  readonly token: string;
}

/** Writes a kubeconfig with everything embedded, mode 0600. JSON is YAML too. */
export async function writeKubeconfig(path: string, { url, caPem, user, token }: KubeconfigOptions): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'lab', cluster: { server: url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
    'current-context': 'lab',
  };
  await writeFile(path, JSON.stringify(config, null, 2), { mode: 0o600 });
}

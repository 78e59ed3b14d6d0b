import { generateKeyPairSync } from 'node:crypto';
import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { collectionPath, objectPath, SECRET } from '../api/kinds.ts';
import { KubeError } from '../cluster/kube-client.ts';
import { CommandError } from './command-error.ts';
import { one, type Session } from './session.ts';

interface StoredSecret {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly data?: Readonly<Record<string, string>> | null;
}

/** As `wg genkey` makes one: 32 bytes in base64. */
function newPrivateKey(): Secret {
  const { d = '' } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return new Secret(Buffer.from(d, 'base64url').toString('base64'));
}

/** Makes the private key that an object names, in its Secret; only the public half is shown. */
export async function keygen(session: Session): Promise<number> {
  const { args, cluster, terminal } = session;
  const node = await one(session);
  const { name: secret, key: entry } = node.spec.interface.privateKeySecretRef;
  const { namespace } = node.metadata;
  const path = objectPath(SECRET, `${namespace}/${secret}`);
  const present = await cluster.client
    .request<StoredSecret>({ method: 'GET', path, signal: cluster.signal })
    .catch((error: unknown) => {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    });
  if (Object.hasOwn(present?.data ?? {}, entry) && !args.has('replace'))
    throw new CommandError(
      `The Secret ${secret} has ${entry} already: with --replace the key of the interface is changed, and every peer needs the new public key`,
    );
  const privateKey = newPrivateKey();
  const stringData = { [entry]: privateKey.reveal() };
  if (present === undefined) {
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret, namespace },
      type: 'Opaque',
      stringData,
    };
    await cluster.client.request({ method: 'POST', path: collectionPath(SECRET, namespace), body });
  } else {
    const contentType = 'application/merge-patch+json';
    const { resourceVersion, ownerReferences = [] } = present.metadata;
    const [owner] = ownerReferences;
    if (owner !== undefined)
      throw new CommandError(`The Secret ${secret} is made by ${owner.kind} ${owner.name}: change the key there`);
    // Nobody's key is overwritten that was not seen.
    await cluster.client.request({
      method: 'PATCH',
      path,
      contentType,
      body: { metadata: { resourceVersion }, stringData },
    });
  }
  terminal.remark(
    `✔ ${entry} of the Secret ${namespace}/${secret} is ${present === undefined ? 'made' : 'written'}; its public key:\n`,
  );
  terminal.print(`${InterfaceKey.fromPrivate(privateKey).publicKey}\n`);
  return 0;
}

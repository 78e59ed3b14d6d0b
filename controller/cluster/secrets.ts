import { LRUCache } from 'lru-cache';
import { Secret } from '../../agent/protocol/secret.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { AGENT_ENTRIES } from '../policy/credentials.ts';
import { keyReadOf, privateKeyOf } from '../policy/desired.ts';
import type { KeyRead, SecretRead } from '../policy/input.ts';
import { KubeError, type KubeClient } from './kube-client.ts';
import { isSecretData } from './shapes.ts';

/** Reads what objects need of Secrets, again only where the watch says that one has changed. */
export interface SecretReader {
  /** What signs and encrypts calls of the object's agent. */
  agent(node: WireGuardNode): Promise<SecretRead>;
  /** The public half of the object's private key. */
  key(node: WireGuardNode): Promise<KeyRead>;
  /** The private key itself, read for this one use; undefined = there is none. */
  privateKey(node: WireGuardNode): Promise<Secret | undefined>;
}

/** What a SecretReader works with. */
export interface SecretReaderOptions {
  readonly client: Pick<KubeClient, 'request'>;
  /** The resourceVersion of a Secret by `namespace/name`, as its watch knows it; undefined = the watch knows none, or does not run. */
  readonly versionOf: (key: string) => string | undefined;
  readonly signal: AbortSignal;
}

const MAX_KNOWN = 20_000;
/** As the API server limits a Secret. */
const MAX_ENTRY_BYTES = 1024 * 1024;

interface Known<T> {
  readonly version: string;
  readonly value: T;
}

interface Fresh {
  /** Empty = there is no such Secret, or we may not read it. */
  readonly version: string;
  readonly read: SecretRead;
}

/** Reads one Secret whole. Its values leave this function only as `Secret`. */
async function readSecret(client: SecretReaderOptions['client'], secret: string, signal: AbortSignal): Promise<Fresh> {
  const [namespace = '', name = ''] = secret.split('/');
  try {
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const raw: unknown = await client.request({ method: 'GET', path, signal });
    if (!isSecretData(raw)) return { version: '', read: { kind: 'missing' } };
    const entries = Object.entries(raw.data ?? {}).filter(([, value]) => value.length <= 2 * MAX_ENTRY_BYTES);
    const data = new Map(
      entries.map(([entry, value]) => [entry, new Secret(Buffer.from(value, 'base64').toString('utf8'))]),
    );
    return { version: raw.metadata.resourceVersion, read: { kind: 'found', data } };
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return { version: '', read: { kind: 'missing' } };
    if (error instanceof KubeError && error.status === 403) return { version: '', read: { kind: 'forbidden' } };
    throw error;
  }
}

/** Nothing is read yet. Of private keys only public halves are kept. */
export function createSecretReader({ client, versionOf, signal }: SecretReaderOptions): SecretReader {
  const agents = new LRUCache<string, Known<SecretRead>>({ max: MAX_KNOWN });
  const keys = new LRUCache<string, Known<KeyRead>>({ max: MAX_KNOWN });

  const read = (secret: string): Promise<Fresh> => readSecret(client, secret, signal);
  /** Reads under way, by Secret and the version that the watch knew when they began: what they bring is that version or a later one. */
  const reading = new Map<string, Promise<Fresh>>();
  const readOnce = (secret: string, version: string | undefined): Promise<Fresh> => {
    if (version === undefined) return read(secret);
    const id = `${secret}@${version}`;
    const known = reading.get(id);
    if (known !== undefined) return known;
    const own = read(secret).finally(() => reading.delete(id));
    reading.set(id, own);
    return own;
  };
  const through = async <T>(
    cache: LRUCache<string, Known<T>>,
    { id, secret }: { readonly id: string; readonly secret: string },
    take: (read: SecretRead) => T,
  ): Promise<T> => {
    const version = versionOf(secret);
    const known = cache.get(id);
    if (known !== undefined && known.version === version) return known.value;
    const fresh = await readOnce(secret, version);
    // Another one that waited for the same read was first.
    const taken = cache.get(id);
    if (taken?.version === fresh.version) return taken.value;
    const value = take(fresh.read);
    // Without a watch, or of a Secret that is not there, every look asks.
    if (fresh.version === '') cache.delete(id);
    else cache.set(id, { version: fresh.version, value });
    return value;
  };
  const secretOf = ({ metadata }: WireGuardNode, name: string): string => `${metadata.namespace}/${name}`;
  return {
    agent(node) {
      const secret = secretOf(node, node.spec.agent.secretRef.name);
      return through(agents, { id: secret, secret }, onlyUsed);
    },
    key(node) {
      const { name, key } = node.spec.interface.privateKeySecretRef;
      const secret = secretOf(node, name);
      return through(keys, { id: `${secret} ${key}`, secret }, (whole) => keyReadOf(node, whole));
    },
    async privateKey(node) {
      const { read: whole } = await read(secretOf(node, node.spec.interface.privateKeySecretRef.name));
      return keyReadOf(node, whole).kind === 'found' ? privateKeyOf(node, whole) : undefined;
    },
  };
}

/** Without the entries that nobody uses. */
function onlyUsed(read: SecretRead): SecretRead {
  if (read.kind !== 'found') return read;
  const used = AGENT_ENTRIES.flatMap((entry) => {
    const value = read.data.get(entry);
    return value === undefined ? [] : [[entry, value] as const];
  });
  return { kind: 'found', data: new Map(used) };
}

import { objectPath, type WatchedKind, WIREGUARD_NODE } from '../api/kinds.ts';
import { CONTROLLER_NAME, FINALIZER, keyOf } from '../api/node.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { hasFinalizer } from '../policy/deletion.ts';
import { sameStatus, stable } from '../policy/status.ts';
import { KubeError, type KubeClient } from './kube-client.ts';
import { isObject } from './shapes.ts';

type Operation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

const QUERY = `?fieldManager=${CONTROLLER_NAME}`;

/** Writes what the controller may write of an object: its status and its one finalizer, never the spec. */
export interface NodeWriter {
  /** The object as the API server has it now, or undefined when it is gone. */
  read(key: string, signal: AbortSignal): Promise<WireGuardNode | undefined>;
  /** Writes the status if it differs; the object as it is afterwards, or undefined when it is gone. */
  writeStatus(
    node: WireGuardNode,
    status: WireGuardNodeStatus,
    signal: AbortSignal,
  ): Promise<WireGuardNode | undefined>;
  /** Adds or removes our finalizer, whatever others write meanwhile; undefined when the object is gone. */
  writeFinalizer(node: WireGuardNode, present: boolean, signal: AbortSignal): Promise<WireGuardNode | undefined>;
}

/** What a NodeWriter works with. */
export interface NodeWriterOptions {
  readonly client: Pick<KubeClient, 'request'>;
  /** Right before a status is sent. */
  readonly expect?: (key: string, status: WireGuardNodeStatus) => void;
  /** A status that the API server, or a webhook of it, does not take, with the fields that it names. */
  readonly refused?: (key: string, error: KubeError) => void;
}

/** Others may write as often as they like: their writes are none of a finalizer's business. */
const FINALIZER_TRIES = 5;

const kind: WatchedKind<WireGuardNode> = WIREGUARD_NODE;

/** What is kept of an object that the API server answers with. */
function trimmed(object: unknown): WireGuardNode {
  if (isObject(object) && kind.isReadable(object)) return kind.trim(object as never);
  throw new KubeError('a read of an object', 0, 'in a form that is none');
}

async function read(
  { client }: NodeWriterOptions,
  key: string,
  signal: AbortSignal,
): Promise<WireGuardNode | undefined> {
  try {
    return trimmed(await client.request<unknown>({ method: 'GET', path: objectPath(kind, key), signal }));
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}

interface Patch {
  readonly subresource: '' | '/status';
  readonly operations: readonly Operation[];
}

/** Undefined = the object is gone, or has changed in what the patch tests. */
async function patch(
  options: NodeWriterOptions,
  node: WireGuardNode,
  { subresource, operations, signal }: Patch & { readonly signal: AbortSignal },
): Promise<WireGuardNode | undefined> {
  const key = keyOf(node);
  const path = objectPath(kind, key) + subresource + QUERY;
  const contentType = 'application/json-patch+json';
  try {
    const request = { method: 'PATCH', path, contentType, body: operations, signal } as const;
    return trimmed(await options.client.request<unknown>(request));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404 || error.status === 409) return undefined;
    // A webhook that cannot be called.
    if (error.status === 500 && subresource === '/status') options.refused?.(key, error);
    // 422 is a failed `test` as well as a refused value: only the first says that the object is another one, or has changed.
    if (error.status !== 422) throw error;
    const now = await read(options, key, signal);
    if (now?.metadata.uid !== node.metadata.uid) return undefined;
    if (subresource === '/status') {
      options.refused?.(key, error);
      throw error;
    }
    // Nothing that the patch tests has changed: somebody refuses the finalizer itself.
    if (now.metadata.resourceVersion === node.metadata.resourceVersion) throw error;
    return undefined;
  }
}

async function tryFinalizer(
  options: NodeWriterOptions,
  node: WireGuardNode,
  { present, tries, signal }: { readonly present: boolean; readonly tries: number; readonly signal: AbortSignal },
): Promise<WireGuardNode | undefined> {
  const written = await patch(options, node, { subresource: '', operations: finalizerPatch(node, present), signal });
  if (written !== undefined || tries <= 1) return written;
  const now = await read(options, keyOf(node), signal);
  if (now?.metadata.uid !== node.metadata.uid) return undefined;
  // Of an object that is being deleted no finalizer may come any more.
  if (hasFinalizer(now) === present || (present && now.metadata.deletionTimestamp !== undefined)) return now;
  return tryFinalizer(options, now, { present, tries: tries - 1, signal });
}

/** Throws KubeError where a write is refused for another reason than that the object changed or went. */
export function createNodeWriter(options: NodeWriterOptions): NodeWriter {
  return {
    read: (key, signal) => read(options, key, signal),
    writeStatus(node, status, signal) {
      if (sameStatus(node.status, status)) return Promise.resolve(node);
      options.expect?.(keyOf(node), status);
      return patch(options, node, { subresource: '/status', operations: statusPatch(node, status), signal });
    },
    writeFinalizer(node, present, signal) {
      if (present && hasFinalizer(node)) return Promise.resolve(node);
      return tryFinalizer(options, node, { present, tries: FINALIZER_TRIES, signal });
    },
  };
}

/** `test uid` first: a patch by name alone would land on a re-created namesake. */
export function statusPatch(node: WireGuardNode, status: WireGuardNodeStatus): Operation[] {
  const present: Record<string, unknown> = { ...node.status };
  const next: Record<string, unknown> = { ...status };
  const names = [...new Set([...Object.keys(present), ...Object.keys(next)])];
  const changes = names.flatMap((name): Operation[] => {
    const path = `/status/${name}`;
    if (next[name] === undefined) return present[name] === undefined ? [] : [{ op: 'remove', path }];
    return stable(present[name]) === stable(next[name]) ? [] : [{ op: 'add', path, value: next[name] }];
  });
  return [{ op: 'test', path: '/metadata/uid', value: node.metadata.uid }, ...changes];
}

/** Tests who it is and which finalizers it has, and nothing else. */
function finalizerPatch({ metadata }: WireGuardNode, present: boolean): Operation[] {
  const path = '/metadata/finalizers';
  const uid: Operation = { op: 'test', path: '/metadata/uid', value: metadata.uid };
  const finalizers = metadata.finalizers ?? [];
  if (!present) {
    const own = `${path}/${String(finalizers.indexOf(FINALIZER))}`;
    return [uid, { op: 'test', path: own, value: FINALIZER }, { op: 'remove', path: own }];
  }
  if (finalizers.length > 0)
    return [uid, { op: 'test', path, value: finalizers }, { op: 'add', path: `${path}/-`, value: FINALIZER }];
  // There is no list yet: a test of nothing is not defined.
  const version: Operation = { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion };
  return [uid, version, { op: 'add', path, value: [FINALIZER] }];
}

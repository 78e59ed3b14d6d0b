import { objectPath, type WatchedKind, WIREGUARD_NODE } from '../api/kinds.ts';
import { CONTROLLER_NAME, FINALIZER, keyOf } from '../api/node.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { sameStatus, stable } from '../policy/status.ts';
import { KubeError, type KubeClient } from './kube-client.ts';

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
  /** Adds or removes our finalizer; undefined when the object is gone or has changed, and must be looked at again. */
  writeFinalizer(node: WireGuardNode, present: boolean, signal: AbortSignal): Promise<WireGuardNode | undefined>;
}

/** Throws KubeError where a write is refused for another reason than that the object changed or went. */
export function createNodeWriter(client: KubeClient, kind: WatchedKind<WireGuardNode> = WIREGUARD_NODE): NodeWriter {
  const trimmed = (object: WireGuardNode): WireGuardNode => kind.trim(object as never);
  const read = async (key: string, signal: AbortSignal): Promise<WireGuardNode | undefined> => {
    try {
      return trimmed(await client.request<WireGuardNode>({ method: 'GET', path: objectPath(kind, key), signal }));
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  };
  const patch = async (
    node: WireGuardNode,
    { subresource, operations }: { subresource: '' | '/status'; operations: readonly Operation[] },
    signal: AbortSignal,
  ): Promise<WireGuardNode | undefined> => {
    const path = objectPath(kind, keyOf(node)) + subresource + QUERY;
    const contentType = 'application/json-patch+json';
    try {
      return trimmed(
        await client.request<WireGuardNode>({ method: 'PATCH', path, contentType, body: operations, signal }),
      );
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404 || error.status === 409) return undefined;
      // 422 is a failed `test` as well as a refused value: only the first says that the object is another one, or has changed.
      if (error.status !== 422) throw error;
      const now = await read(keyOf(node), signal);
      const isSame = now?.metadata.uid === node.metadata.uid;
      const isUnchanged =
        isSame && (subresource === '/status' || now.metadata.resourceVersion === node.metadata.resourceVersion);
      if (isUnchanged) throw error;
      return undefined;
    }
  };
  return {
    read,
    writeStatus(node, status, signal) {
      if (sameStatus(node.status, status)) return Promise.resolve(node);
      return patch(node, { subresource: '/status', operations: statusPatch(node, status) }, signal);
    },
    writeFinalizer(node, present, signal) {
      return patch(node, { subresource: '', operations: finalizerPatch(node, present) }, signal);
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

function finalizerPatch({ metadata }: WireGuardNode, present: boolean): Operation[] {
  const others = (metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  return [
    { op: 'test', path: '/metadata/uid', value: metadata.uid },
    { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
    { op: 'add', path: '/metadata/finalizers', value: present ? [...others, FINALIZER] : others },
  ];
}

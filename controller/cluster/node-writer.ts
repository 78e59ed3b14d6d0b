import { CONTROLLER_NAME, FINALIZER, keyOf, pathOf } from '../api/node.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { sameStatus, stable } from '../reconcile/status.ts';
import { KubeError, type KubeClient } from './kube-client.ts';
import { slimNode } from './slim.ts';

type Operation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

const QUERY = `?fieldManager=${CONTROLLER_NAME}`;

/** Writes what the controller may write of an object: its status and its one finalizer, never the spec. */
export interface NodeWriter {
  /** Writes the status if it differs; the object as it is afterwards, or undefined when it is gone. */
  writeStatus(
    node: WireGuardNode,
    status: WireGuardNodeStatus,
    signal: AbortSignal,
  ): Promise<WireGuardNode | undefined>;
  /** Adds or removes our finalizer; undefined when the object is gone or has changed, and must be looked at again. */
  writeFinalizer(node: WireGuardNode, present: boolean, signal: AbortSignal): Promise<WireGuardNode | undefined>;
}

export function createNodeWriter(client: KubeClient): NodeWriter {
  const patch = async (
    path: string,
    operations: readonly Operation[],
    signal: AbortSignal,
  ): Promise<WireGuardNode | undefined> => {
    try {
      const body = {
        method: 'PATCH',
        path: path + QUERY,
        contentType: 'application/json-patch+json',
        body: operations,
        signal,
      } as const;
      return slimNode(await client.request<WireGuardNode>(body));
    } catch (error) {
      // 422 = a `test` failed: the object of that name is another one now.
      if (error instanceof KubeError && [404, 409, 422].includes(error.status)) return undefined;
      throw error;
    }
  };
  return {
    writeStatus(node, status, signal) {
      if (sameStatus(node.status, status)) return Promise.resolve(node);
      return patch(`${pathOf(keyOf(node))}/status`, statusPatch(node, status), signal);
    },
    writeFinalizer(node, present, signal) {
      return patch(pathOf(keyOf(node)), finalizerPatch(node, present), signal);
    },
  };
}

/** `test uid` first: a patch by name alone would land on a re-created namesake. */
export function statusPatch(node: WireGuardNode, status: WireGuardNodeStatus): Operation[] {
  const former: Record<string, unknown> = { ...node.status };
  const next: Record<string, unknown> = { ...status };
  const names = [...new Set([...Object.keys(former), ...Object.keys(next)])];
  const changes = names.flatMap((name): Operation[] => {
    const path = `/status/${name}`;
    if (next[name] === undefined) return former[name] === undefined ? [] : [{ op: 'remove', path }];
    return stable(former[name]) === stable(next[name]) ? [] : [{ op: 'add', path, value: next[name] }];
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

import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import { KubeError, type KubeClient, type KubeRequest } from '../../controller/cluster/kube-client.ts';
import { HMAC_KEY } from './check-input.ts';
import { nodeWith } from './node-builder.ts';

type Operation = Readonly<Record<'op' | 'path', string>> & { readonly value?: unknown };

/** An API server with one object and its Secrets. */
export class ModelApi implements Pick<KubeClient, 'request'> {
  object: WireGuardNode | undefined;
  agentSecret: Readonly<Record<string, string>> | undefined = { 'hmac-key': HMAC_KEY };
  /** Of its private key. */
  keySecret: Readonly<Record<string, string>> | undefined;
  /** What others do right before the object is read. */
  meanwhile: () => void = () => undefined;
  /** What others do right before the object is written. */
  beforePatch: () => void = () => undefined;
  /** Every write is answered with this. */
  refusesWith: number | undefined;
  /** Every write of finalizers is. */
  refusesFinalizersWith: number | undefined;

  request<T>({ method, path, body }: KubeRequest): Promise<T> {
    const response = path.includes('/secrets/') ? this.#secret(path) : this.#node(method, { path, body });
    return typeof response === 'number'
      ? Promise.reject(new KubeError(method, response, ''))
      : Promise.resolve(structuredClone(response) as T);
  }

  #secret(path: string): object | number {
    const data = path.endsWith('/fra1-agent') ? this.agentSecret : this.keySecret;
    if (data === undefined) return 404;
    const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    return { metadata: { resourceVersion: '1' }, data: Object.fromEntries(encoded) as Record<string, string> };
  }

  #node(method: string, { path, body }: { readonly path: string; readonly body: unknown }): object | number {
    if (method === 'GET') this.meanwhile();
    else this.beforePatch();
    if (this.object === undefined) return 404;
    if (method === 'GET') return this.object;
    if (this.refusesWith !== undefined) return this.refusesWith;
    const what = path.includes('/status?') ? 'status' : 'finalizers';
    if (what === 'finalizers' && this.refusesFinalizersWith !== undefined) return this.refusesFinalizersWith;
    return this.#patch(what, body as readonly Operation[]);
  }

  #patch(what: 'status' | 'finalizers', operations: readonly Operation[]): object | number {
    const object = structuredClone(this.object ?? nodeWith());
    const { metadata } = object;
    const finalizers = [...(metadata.finalizers ?? [])];
    const status: Record<string, unknown> = { ...object.status };
    for (const { op, path, value } of operations) {
      const index = Number(/^\/metadata\/finalizers\/([0-9]+)$/.exec(path)?.[1]);
      const found = /^\/metadata\/(?:uid|resourceVersion)$/.test(path)
        ? metadata[path.replace('/metadata/', '') as 'uid' | 'resourceVersion']
        : finalizers[index];
      if (op === 'test' && found !== value) return 422;
      if (op === 'remove' && what === 'finalizers') finalizers.splice(index, 1);
      else if (op === 'add' && what === 'finalizers') finalizers.push(...[value as string | string[]].flat());
      else if (op !== 'test') status[path.replace('/status/', '')] = value;
    }
    Object.assign(metadata, { finalizers, resourceVersion: String(Number(metadata.resourceVersion) + 1) });
    const written: WireGuardNode = { ...object, status: status as unknown as WireGuardNode['status'] };
    const isGone = metadata.deletionTimestamp !== undefined && finalizers.length === 0;
    this.object = isGone ? undefined : written;
    return written;
  }
}

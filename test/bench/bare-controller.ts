import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import { headersV1 } from '../../agent/protocol/signature-v1.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { KubeClient } from '../../controller/cluster/kube-client.ts';
import type { ModelFleet } from '../support/model-fleet.ts';

/** The least that the work of a controller costs: the same calls one after the other, and nothing around them. */
export class BareController {
  readonly #fleet: ModelFleet;
  readonly #client: KubeClient;
  readonly #key: Secret;
  readonly #pools = new Map<string, Pool>();

  constructor(fleet: ModelFleet) {
    this.#fleet = fleet;
    this.#client = fleet.client;
    this.#key = new Secret(fleet.hmacKey);
  }

  async #call(
    host: string,
    method: 'GET' | 'PUT',
    body: string,
    etag?: string,
  ): Promise<{ status: number; etag: string }> {
    const origin = this.#fleet.agents.urlOf(host);
    const pool =
      this.#pools.get(host) ?? new Pool(origin, { connect: { ca: this.#fleet.agents.caPem }, connections: 1 });
    this.#pools.set(host, pool);
    const path = '/v1/wg/wg0/config';
    const headers = {
      ...headersV1({ method, target: path, body: Buffer.from(body) }, this.#key, Date.now()),
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
    };
    const response = await pool.request({ method, path, headers, body: body === '' ? null : body });
    const text = await response.body.text();
    if (text !== '') JSON.parse(text);
    return { status: response.statusCode, etag: String(response.headers['etag'] ?? '') };
  }

  /** GET, PUT, status, event: what a controller does about a new object or a new spec. */
  async apply(key: string, host: string, { mtu, generation }: { mtu: number; generation: number }): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    await this.#call(host, 'GET', '');
    const options = { state: 'up', read_back: true, request_id: randomUUID() };
    const body = { private_key: this.#fleet.privateKey, mtu, address: ['10.77.0.1/24'], options };
    await this.#call(host, 'PUT', JSON.stringify(body));
    const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
    const conditions = (['Ready', 'Reachable', 'Synced'] as const).map((type) => ({
      ...{ type, status: 'True', reason: 'InSync', message: 'as wanted', lastTransitionTime },
      observedGeneration: generation,
    }));
    const path = `/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes/${name}`;
    await this.#client.request({
      method: 'PATCH',
      path: `${path}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { observedGeneration: generation, conditions } },
    });
  }

  /** A check of a host where nothing has changed. */
  async check(host: string, etag: string): Promise<string> {
    return (await this.#call(host, 'GET', '', etag)).etag;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }
}

import { Pool } from 'undici';
import { headersV1 } from '../../agent/protocol/signature-v1.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { LabHost } from '../support/lab/start-host.ts';

/** Calls of the old contract for peers, which our controller never makes. */
export class PeerCalls {
  readonly #pool: Pool;
  readonly #secret: Secret;

  constructor(host: LabHost) {
    this.#pool = new Pool(host.agentUrl, { connections: 1, connect: { ca: host.caPem } });
    this.#secret = new Secret(host.hmacKey);
  }

  /** Throws where it is no success. */
  async post(name: string, peer: object): Promise<void> {
    const [method, path, body] = ['POST', `/v1/wg/${name}/peers`, Buffer.from(JSON.stringify(peer))] as const;
    const headers = {
      ...headersV1({ method, target: path, body }, this.#secret, Date.now()),
      'content-type': 'application/json',
    };
    const answer = await this.#pool.request({ method, path, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`POST ${path} is answered with ${String(answer.statusCode)}: ${text}`);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

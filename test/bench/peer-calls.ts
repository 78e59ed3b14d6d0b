import { randomBytes } from 'node:crypto';
import { Pool } from 'undici';
import { headersV1 } from '../../agent/protocol/signature-v1.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { BenchHost } from './bench-host.ts';
import type { Figure } from './figure.ts';
import type { LabHost } from '../support/lab/start-host.ts';

/** Calls of the old contract for peers, which our controller never makes. */
class PeerCalls {
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

const PEER_CALLS = 30;

/** The old contract's calls for one peer beside so many: what they cost the agent, programs that it starts left out. */
export async function costOfPeerCalls(bench: BenchHost, peers: number): Promise<Figure[]> {
  const calls = new PeerCalls(bench.host);
  const name = bench.newName();
  await bench.writeFile(name, peers);
  await bench.enable(name);
  const newKey = (): string => randomBytes(32).toString('base64');
  const key = newKey();
  const kinds = {
    'a peer changes': (count: number) => ({
      ...{ public_key: key, allowed_ips: ['10.250.0.1/32'], persistent_keepalive: count },
    }),
    'a peer comes': (count: number) => ({ public_key: newKey(), allowed_ips: [`10.251.0.${String(count)}/32`] }),
  };
  const figures: Figure[] = [];
  for (const [what, body] of Object.entries(kinds)) {
    for (let count = 1; count <= 5; count += 1) await calls.post(name, body(200 + count));
    const before = bench.cpuMs();
    for (let count = 1; count <= PEER_CALLS; count += 1) await calls.post(name, body(count));
    const ours = (bench.cpuMs() - before) / PEER_CALLS;
    const row = `CPU, ${what}, ${String(peers)} peers`;
    figures.push({ id: 'B11p', what: row, ours, rival: null, ratio: ours, goal: 50, unit: 'ms' });
  }
  await bench.disable(name);
  await bench.host.mustExec(['rm', `/etc/wireguard/${name}.conf`]);
  await calls.close();
  return figures;
}

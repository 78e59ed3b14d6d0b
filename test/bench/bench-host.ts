import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AgentClient } from '../../controller/drivers/wgnode/agent-client.ts';
import { CALL, clientOf } from '../support/agent-client.ts';
import { newPrivateKey } from '../support/canary.ts';
import type { LabHost } from '../support/lab/start-host.ts';

/** Milliseconds of a piece of work. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** CPU that a process has used, its threads included, ms. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const PEER_FILES = 250;

/** A host with the agent's bundle, as the benchmarks use it. */
export class BenchHost {
  readonly host: LabHost;
  readonly client: AgentClient;
  readonly key = newPrivateKey();
  #names = 0;
  #requests = 0;

  constructor(host: LabHost) {
    this.host = host;
    this.client = clientOf(host);
  }

  /** A name that no call of this second had: equal calls would be repeats. */
  newName(): string {
    this.#names += 1;
    return `b${String(this.#names)}`;
  }

  /** A file with so many peers, a network and so a route each; `perPeer` networks of a peer. */
  async writeFile(name: string, peers: number, perPeer = 1): Promise<void> {
    const sections = Array.from({ length: peers }, (_, at) => {
      const networks = Array.from(
        { length: perPeer },
        (__, more) => `10.${String(20 + more * 20 + Math.floor(at / PEER_FILES))}.${String(at % PEER_FILES)}.0/24`,
      );
      return [
        '[Peer]',
        `PublicKey = ${randomBytes(32).toString('base64')}`,
        `AllowedIPs = ${networks.join(', ')}`,
        `Endpoint = 198.51.100.7:${String(1_000 + at)}`,
        '',
      ].join('\n');
    });
    const head = `[Interface]\nPrivateKey = ${this.key}\nAddress = 10.7.0.1/24\nListenPort = 51820\nMTU = 1400\n\n`;
    await this.host.writeFile(`/etc/wireguard/${name}.conf`, head + sections.join('\n'));
  }

  enable(name: string): Promise<unknown> {
    return this.client.setState(name, 'enable', CALL);
  }

  disable(name: string): Promise<unknown> {
    return this.client.setState(name, 'disable', CALL);
  }

  /** A PUT that changes one field. */
  put(name: string, change: object): Promise<unknown> {
    this.#requests += 1;
    const body = { private_key: this.key, address: ['10.7.0.1/24'], listen_port: 51_820, mtu: 1_400, ...change };
    return this.client.putConfig(name, { ...body, options: { request_id: String(this.#requests) } }, CALL);
  }

  /** Milliseconds of a bash script in the host, without its start: it prints nanoseconds before and after. */
  async script(body: string): Promise<number> {
    const text = `a=$(date +%s%N); { ${body}; } >/dev/null 2>&1; b=$(date +%s%N); echo $((b - a))`;
    return Number((await this.host.mustExec(['bash', '-c', text])).trim()) / 1e6;
  }

  /** CPU of the agent so far, ms. */
  cpuMs(): number {
    return cpuMsOf(this.host.agent.pid ?? 0);
  }

  /** Resident memory of the agent, MB. */
  rssMb(): number {
    const status = readFileSync(`/proc/${String(this.host.agent.pid ?? 0)}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }
}

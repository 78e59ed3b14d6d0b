import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { makeCertificateAuthority } from '../lab/certificate-authority.ts';
import { repositoryPath } from '../lab/repository.ts';
import type { Command } from './main.ts';
import type { Mode, Mutation } from './model-host.ts';

/** What a model host has seen. */
export interface HostReport {
  readonly name: string;
  readonly reads: number;
  readonly mutations: readonly Mutation[];
  readonly mtu: number | null;
}

/** Many agents in a process of their own, each behind a port with TLS. */
export interface ModelAgents {
  readonly caPem: string;
  /** `h0`, `h1`, ... */
  readonly names: readonly string[];
  portOf(host: string): number;
  urlOf(host: string): string;
  setMode(hosts: readonly string[], mode: Mode): Promise<void>;
  drift(host: string, mtu: number): Promise<void>;
  setOdd(
    host: string,
    odd: {
      readonly config?: Readonly<Record<string, unknown>>;
      readonly health?: Readonly<Record<string, unknown>>;
    },
  ): Promise<void>;
  /** Of wg0; null = there is none. */
  mtuOf(host: string): Promise<number | null>;
  /** Every host as if nobody had ever been there. */
  reset(): Promise<void>;
  report(): Promise<readonly HostReport[]>;
  stop(): void;
}

/** Starts them on free ports of a loopback address; `folder` takes their certificate. */
export async function startModelAgents(
  folder: string,
  { address, count }: { readonly address: string; readonly count: number },
): Promise<ModelAgents> {
  const authority = await makeCertificateAuthority(join(folder, 'model-tls'), 'model agents CA');
  const { certFile, keyFile } = await authority.issue('model', address);
  const args = [address, String(count), certFile, keyFile];
  const child = fork(repositoryPath('test/support/model-agents/main.ts'), args, { execArgv: [], env: {} });
  const ports = await firstMessage(child);
  const ask = createAsk(child);
  const tell = async (command: Command): Promise<void> => {
    await ask(command);
  };
  return {
    caPem: authority.pem,
    names: Object.keys(ports),
    portOf: (host) => ports[host] ?? 0,
    urlOf: (host) => `https://${address}:${String(ports[host])}`,
    setMode: (hosts, mode) => tell({ kind: 'mode', hosts, mode }),
    drift: (host, mtu) => tell({ kind: 'drift', host, mtu }),
    setOdd: (host, odd) => tell({ kind: 'odd', host, ...odd }),
    mtuOf: async (host) => (await ask({ kind: 'mtu', host })) as number | null,
    reset: () => tell({ kind: 'reset' }),
    report: async () => (await ask({ kind: 'report' })) as readonly HostReport[],
    stop: () => {
      child.kill('SIGKILL');
    },
  };
}

function firstMessage(child: ChildProcess): Promise<Readonly<Record<string, number>>> {
  return new Promise((resolve, reject) => {
    child.once('message', ({ ports }: { ports: Record<string, number> }) => {
      resolve(ports);
    });
    child.once('exit', (code) => {
      reject(new Error(`The model agents ended with ${String(code)} before they listened`));
    });
  });
}

function createAsk(child: ChildProcess): (command: Command) => Promise<unknown> {
  let next = 0;
  const waiting = new Map<number, (answer: unknown) => void>();
  child.on('message', ({ id, answer }: { id?: number; answer?: unknown }) => {
    if (id === undefined) return;
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  return (command) =>
    new Promise((resolve) => {
      const id = next;
      next += 1;
      waiting.set(id, resolve);
      child.send({ id, command });
    });
}

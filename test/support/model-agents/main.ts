// A process of many model agents: their work is not counted as that of the controller, and never shares its event loop.
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Mode, ModelHost } from './model-host.ts';

/** What the owner of the process asks. */
export type Command =
  | { readonly kind: 'mode'; readonly hosts: readonly string[]; readonly mode: Mode }
  | { readonly kind: 'drift'; readonly host: string; readonly mtu: number }
  | {
      readonly kind: 'odd';
      readonly host: string;
      readonly config?: Readonly<Record<string, unknown>>;
      readonly health?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'mtu'; readonly host: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'report' };

const [address = '127.0.0.1', count = '1', certFile = '', keyFile = '', protocol = 'https'] = process.argv.slice(2);
const tls = protocol === 'https' ? { cert: readFileSync(certFile), key: readFileSync(keyFile) } : {};
const hosts = new Map<string, ModelHost>();

function serve(host: ModelHost): Promise<number> {
  const listener: Parameters<typeof createPlainServer>[1] = (request, response) => {
    const { method = '', url = '', headers } = request;
    const isSilent = host.mode === 'hang' || (host.mode === 'hang-put' && method !== 'GET');
    if (isSilent) return;
    void text(request).then((body) => {
      const { status, etag, body: answer } = host.answer(method, url, body, headers['if-none-match']);
      response.writeHead(status, { 'content-type': 'application/json', ...(etag === undefined ? {} : { etag }) });
      response.end(answer);
    });
  };
  const server =
    protocol === 'https' ? createServer({ ...tls, keepAliveTimeout: 130_000 }, listener) : createPlainServer(listener);
  return new Promise((resolve) => {
    server.listen({ host: address, port: 0, backlog: 64 }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function obey(command: Command): unknown {
  switch (command.kind) {
    case 'mode':
      for (const name of command.hosts) hostOf(name).mode = command.mode;
      return {};
    case 'drift':
      hostOf(command.host).drift(command.mtu);
      return {};
    case 'odd': {
      const host = hostOf(command.host);
      host.odd = command.config;
      host.oddHealth = command.health;
      return {};
    }
    case 'mtu':
      return hostOf(command.host).mtu ?? null;
    case 'reset':
      for (const host of hosts.values()) host.reset();
      return {};
    case 'report':
      return [...hosts.values()].map(({ name, reads, mutations, mtu }) => ({
        name,
        reads,
        mutations,
        mtu: mtu ?? null,
      }));
  }
}

function hostOf(name: string): ModelHost {
  const host = hosts.get(name);
  if (host === undefined) throw new Error(`There is no model host ${name}`);
  return host;
}

const ports: Record<string, number> = {};
for (let index = 0; index < Number(count); index += 1) {
  const host = new ModelHost(`h${String(index)}`);
  hosts.set(host.name, host);
  ports[host.name] = await serve(host);
}
process.on('message', ({ id, command }: { id: number; command: Command }) => {
  process.send?.({ id, answer: obey(command) });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ports });

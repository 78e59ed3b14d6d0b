import { Resolver } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { AgentUnreachable } from './agent-failure.ts';
import { candidatesOf, parseHosts, parseResolvConf, type ResolvConf } from './host-files.ts';

/** The addresses of a host name. Throws AgentUnreachable with DNSFailed. */
export type ResolveName = (host: string) => Promise<readonly string[]>;

/** Where the answers come from. */
export interface ResolverOptions {
  readonly hostsFile: string;
  readonly resolvConf: string;
  /** Where a name server listens; only tests have another one. */
  readonly port: number;
}

const SYSTEM: ResolverOptions = { hostsFile: '/etc/hosts', resolvConf: '/etc/resolv.conf', port: 53 };

/** For all of a name: every server, every search domain. */
const DEADLINE_MS = 5_000;
const TRY_MS = 1_000;
const TRIES = 2;
/** Names that are asked for at one time; the others wait, within their own deadline. */
const AT_ONCE = 64;
const KEPT_MS = 30_000;
const LOOK_AT_FILE_MS = 1_000;

/**
 * Asks name servers by packets of its own. libuv's getaddrinfo has as many threads as a hand has fingers, and one dead server holds all of
 * them for minutes. /etc/hosts and the search domains of resolv.conf(5) count; other sources of nsswitch.conf(5) do not.
 */
export function createResolver(options: ResolverOptions = SYSTEM): ResolveName {
  const hosts = watchedFile(options.hostsFile, parseHosts);
  const servers = watchedFile(options.resolvConf, (text) => serversOf(parseResolvConf(text), options.port));
  const known = new LRUCache<string, readonly string[]>({ max: 10_000 });
  const asking = new Map<string, Promise<readonly string[]>>();
  const turn = createTurn(AT_ONCE);

  const ask = async (host: string): Promise<readonly string[]> => {
    const { resolver, conf } = servers();
    for (const name of candidatesOf(host, conf)) {
      const { addresses, ttlMs } = await turn(() => query(resolver, name));
      if (addresses.length === 0) continue;
      if (ttlMs > 0) known.set(host, addresses, { ttl: Math.min(ttlMs, KEPT_MS) });
      return addresses;
    }
    throw new AgentUnreachable('DNSFailed', `The host name ${host} does not resolve`);
  };
  return async (host) => {
    const name = host.toLowerCase();
    const own = hosts().get(name.replace(/\.$/, '')) ?? known.get(name);
    if (own !== undefined) return own;
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
    const running = asking.get(name);
    if (running !== undefined) return running;
    const asked = inTime(ask(name), name).finally(() => asking.delete(name));
    asking.set(name, asked);
    return asked;
  };
}

interface Servers {
  readonly resolver: Resolver;
  readonly conf: ResolvConf;
}

function serversOf(conf: ResolvConf, port: number): Servers {
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  const addresses = conf.servers.length === 0 ? ['127.0.0.1'] : conf.servers;
  resolver.setServers(
    addresses.map((address) => (address.includes(':') ? `[${address}]` : address) + `:${String(port)}`),
  );
  return { resolver, conf };
}

/** What a name has; empty = there is no such name, or it has no address. Throws what says that nobody knows. */
async function query(resolver: Resolver, name: string): Promise<{ addresses: string[]; ttlMs: number }> {
  const results = await Promise.allSettled([
    resolver.resolve6(name, { ttl: true }),
    resolver.resolve4(name, { ttl: true }),
  ]);
  const records = results.map((result) => (result.status === 'fulfilled' ? result.value : []));
  const ttls = records.flat().map(({ ttl }) => ttl);
  const addresses = interleaved(records.map((family) => family.map(({ address }) => address)));
  if (addresses.length > 0) return { addresses, ttlMs: 1000 * Math.min(...ttls) };
  const failed = results.find((result) => result.status === 'rejected' && !isNothing(result.reason));
  if (failed?.status !== 'rejected') return { addresses, ttlMs: 0 };
  throw new AgentUnreachable('DNSFailed', `No name server tells what ${name} is`, failed.reason);
}

const isNothing = (error: unknown): boolean =>
  ['ENOTFOUND', 'ENODATA'].includes((error as { code?: string }).code ?? '');

/** One of each family in turn, IPv6 first (RFC 8305, section 4). */
const interleaved = ([first = [], second = []]: readonly string[][]): string[] =>
  Array.from({ length: Math.max(first.length, second.length) }, (_, index) => [first[index], second[index]])
    .flat()
    .filter((address) => address !== undefined);

function inTime<T>(work: Promise<T>, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const text = `No name server tells what ${name} is within ${String(DEADLINE_MS / 1000)} s`;
      reject(new AgentUnreachable('DNSFailed', text));
    }, DEADLINE_MS);
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}

/** What a file means, made anew when the file changes; a file that cannot be read is an empty one. */
function watchedFile<T>(path: string, parse: (text: string) => T): () => T {
  let lookedMs = Number.NEGATIVE_INFINITY;
  let mark: string | undefined;
  let meaning: T | undefined;
  return () => {
    const now = performance.now();
    if (meaning !== undefined && now - lookedMs < LOOK_AT_FILE_MS) return meaning;
    lookedMs = now;
    const stat = statSync(path, { throwIfNoEntry: false });
    const seen = stat === undefined ? '' : `${String(stat.ino)} ${String(stat.mtimeMs)} ${String(stat.size)}`;
    if (meaning === undefined || seen !== mark) meaning = parse(stat === undefined ? '' : readFileSync(path, 'utf8'));
    mark = seen;
    return meaning;
  };
}

/** Runs so many at a time. */
function createTurn(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

import { isIP } from 'node:net';

/** Where names are asked for, as resolv.conf(5) says it. */
export interface ResolvConf {
  /** Addresses, at most three; empty = this machine. */
  readonly servers: readonly string[];
  /** Domains that are tried for a name that has few dots. */
  readonly search: readonly string[];
  /** A name with so many dots is tried as it is first. */
  readonly ndots: number;
}

const wordsOf = (line: string): string[] =>
  line
    .replace(/[#;].*$/, '')
    .split(/\s+/)
    .filter(Boolean);

/** The text of a resolv.conf(5); of several search lines the last one counts, as in libc. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = wordsOf(line);
    const [first = ''] = values;
    // An address with a zone, as `fe80::1%eth0`, is one, too.
    if (keyword === 'nameserver' && isIP(first.split('%', 1)[0] ?? '') !== 0 && servers.length < 3) servers.push(first);
    if (keyword === 'search' || keyword === 'domain') search = values.map(withoutDot);
    if (keyword === 'options')
      ndots = values.reduce((dots, value) => Number(/^ndots:([0-9]{1,2})$/.exec(value)?.[1] ?? dots), ndots);
  }
  return { servers, search: search.slice(0, 32), ndots: Math.min(ndots, 15) };
}

/** The text of a hosts(5) file: addresses by name in small letters, in the order of the file. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = wordsOf(line);
    if (isIP(address) === 0) continue;
    for (const name of names.map((word) => withoutDot(word.toLowerCase())))
      known.set(name, [...(known.get(name) ?? []), address]);
  }
  return known;
}

const withoutDot = (name: string): string => name.replace(/\.$/, '');

/** The names that are asked for, in order: as it is, and below each search domain. */
export function candidatesOf(host: string, { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>): string[] {
  if (host.endsWith('.')) return [withoutDot(host)];
  const below = search.map((domain) => `${host}.${domain}`);
  const dots = host.split('.').length - 1;
  return dots >= ndots ? [host, ...below] : [...below, host];
}

import { type Cidr, parseNetwork } from '../protocol/address.ts';
import { ANYWHERE, type Family } from './default-routing.ts';
import type { Route } from './device.ts';

/** Words of ip-route(8) that have a value, and that `route add` takes as `route show` prints them. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  ...['via', 'proto', 'scope', 'src', 'metric', 'pref', 'mtu', 'advmss', 'hoplimit', 'initcwnd', 'initrwnd', 'window'],
  ...['rto_min', 'quickack', 'cwnd', 'ssthresh', 'reordering', 'congctl'],
]);
const ALONE: ReadonlySet<string> = new Set(['onlink']);

/** What `ip route add NETWORK dev NAME` makes by itself. */
const PLAIN: Readonly<Record<Family, readonly string[]>> = {
  '-4': ['proto boot', 'scope link'],
  '-6': ['proto boot', 'scope global', 'metric 1024', 'pref medium'],
};

/** What routes say beside destination, device and table, by destination, as text for `ip route add`; the first of each counts. */
export type RouteAttributes = ReadonlyMap<Cidr, string>;

/** Parses `ip -details FAMILY route show table TABLE dev NAME` (ip-route(8)); routes that are plain are left out. */
export function routeAttributesIn(text: string, family: Family): RouteAttributes {
  const attributes = new Map<Cidr, string>();
  for (const line of text.split('\n')) {
    const [type, network = '', ...words] = line.trimEnd().split(' ');
    const destination = network === 'default' ? ANYWHERE[family] : parseNetwork(network);
    if (type !== 'unicast' || destination === undefined || attributes.has(destination)) continue;
    attributes.set(destination, attributesOf(words, family));
  }
  return new Map([...attributes].filter(([, value]) => value !== ''));
}

function attributesOf(words: readonly string[], family: Family): string {
  const parts: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (ALONE.has(word)) parts.push(word);
    if (!WITH_VALUE.has(word)) continue;
    // `via inet6 ADDRESS` and `mtu lock NUMBER`.
    const size = ['inet', 'inet6', 'lock'].includes(words[at + 1] ?? '') ? 2 : 1;
    parts.push([word, ...words.slice(at + 1, at + 1 + size)].join(' '));
    at += size;
  }
  const isPlain = parts.every((part) => PLAIN[family].includes(part));
  return isPlain ? '' : parts.join(' ');
}

/** The routes with what they say. */
export const withAttributes = (routes: readonly Route[], known: RouteAttributes): readonly Route[] =>
  known.size === 0
    ? routes
    : routes.map((route) => {
        const attributes = known.get(route.destination);
        return attributes === undefined ? route : { ...route, attributes };
      });

import { LRUCache } from 'lru-cache';
import { parseRoutes4, parseRoutes6 } from '../../core/parse-proc-net.ts';
import { SteadyHash } from '../../core/steady-hash.ts';
import { UapiParser } from '../../core/parse-uapi.ts';
import type { Route } from '../../core/device.ts';

/** Of longer texts nothing is kept: that is a host with routes of its own by the thousand. */
const LONGEST_TEXT = 1_000_000;

/** What was parsed of the last read of one device: what reads the same again is the same object, and costs a comparison. */
export class LastRead {
  readonly uapi = new UapiParser();
  readonly steady = new SteadyHash();
  #routesText = '';
  #routes: readonly Route[] = [];

  /** The routes of the main table through the device, of the two files of proc(5). */
  mainRoutes(device: string, ipv4: string, ipv6: string): readonly Route[] {
    const text = `${ipv4}\0${ipv6}`;
    if (text === this.#routesText) return this.#routes;
    const destinations = [...parseRoutes4(ipv4, device), ...parseRoutes6(ipv6, device)];
    const routes = destinations.map((destination) => ({ destination, table: 'main' }));
    [this.#routesText, this.#routes] = text.length > LONGEST_TEXT ? ['', []] : [text, routes];
    return routes;
  }
}

const reads = new LRUCache<string, LastRead>({ max: 64 });

/** By the name of the device. */
export function lastRead(name: string): LastRead {
  const known = reads.get(name) ?? new LastRead();
  reads.set(name, known);
  return known;
}

/** Forgets what was parsed before. */
export const forgetReads = (): void => {
  reads.clear();
};

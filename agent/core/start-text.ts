import { canonicalIp } from '../protocol/address.ts';
import type { Document, Line } from '../protocol/wgquick/document.ts';
import { isQuickLine } from '../protocol/wgquick/strip.ts';
import type { Device, Peer } from './device.ts';

/** A peer whose endpoint is a name, as `host:port` stands in the file. */
export interface NamedEndpoint {
  readonly publicKey: string;
  readonly host: string;
  readonly port: string;
}

/** What `wg setconf` takes of a file, without a single name in it. */
export interface StartText {
  readonly text: string;
  /** Peers whose endpoint is yet to be resolved, in file order. */
  readonly names: readonly NamedEndpoint[];
}

/**
 * The part of a file that is wg's. wg resolves names while the tunnel waits, a minute long, and takes the whole file for bad when one
 * does not resolve: a name gives way to the address that the kernel knew for this peer, or to nothing. `previous`: what ran before; an
 * endpoint with a handshake was learnt, and is not resolved again.
 */
export function startText(document: Document, previous: Device | null): StartText {
  const known = new Map((previous?.peers ?? []).map((peer) => [peer.publicKey, peer]));
  const texts: string[] = [];
  const names = new Map<string, NamedEndpoint>();
  for (const section of sectionsOf(document.filter((line) => !isQuickLine(line)))) {
    const publicKey = lastValue(section, 'publickey') ?? '';
    const endpoint = lastValue(section, 'endpoint');
    const name = endpoint === undefined ? undefined : nameIn(endpoint);
    const peer = known.get(publicKey);
    // A later section of the same peer overrides the endpoint of an earlier one.
    if (endpoint !== undefined) names.delete(publicKey);
    if (name !== undefined && !isLearnt(peer)) names.set(publicKey, { publicKey, ...name });
    texts.push(...section.map((line) => `${lineText(line, peer)}\n`));
  }
  return { text: texts.join(''), names: [...names.values()] };
}

const isLearnt = (peer: Peer | undefined): boolean =>
  peer !== undefined && peer.endpoint !== null && peer.latestHandshake > 0;

const isEndpoint = (line: Line): boolean => line.section === 'peer' && line.key === 'endpoint';

function lineText(line: Line, peer: Peer | undefined): string {
  if (!isEndpoint(line) || nameIn(line.value) === undefined) return line.raw;
  return peer?.endpoint ? `Endpoint = ${peer.endpoint}` : '# no address yet';
}

/** The host and port of an endpoint whose host is a name; undefined for an address, and for what is no endpoint at all: wg says so. */
export function nameIn(endpoint: string): { readonly host: string; readonly port: string } | undefined {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, Math.max(colon, 0));
  const port = endpoint.slice(colon + 1);
  const isName = /^[^[\]:\s]+$/.test(host) && canonicalIp(host) === undefined;
  return isName && port !== '' ? { host, port } : undefined;
}

function sectionsOf(lines: Document): Line[][] {
  const sections: Line[][] = [];
  for (const line of lines) {
    if (line.header || sections.length === 0) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}

const lastValue = (section: readonly Line[], key: string): string | undefined => {
  const line = section.findLast((candidate) => candidate.section === 'peer' && candidate.key === key);
  return line?.value;
};

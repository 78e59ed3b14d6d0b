import { parseCidr } from '../../../agent/protocol/address.ts';
import type { InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { allowedIpsOf, type Document, peerKeys } from '../../../agent/protocol/wgquick/document.ts';
import { sameList } from '../../../agent/protocol/wgquick/field-kinds.ts';
import { HOOK_NAMES } from '../../../agent/protocol/wgquick/fields.ts';
import { wishesOfFile } from '../../../agent/protocol/wgquick/peer-wishes.ts';
import type { OldPeer } from './old-answers.ts';
import type { Reading } from './reading.ts';

/** Peers that a restart of the interface, or the agent's PUT, would lose. */
export interface Endangered {
  /** In the kernel alone. */
  readonly running: readonly OldPeer[];
  /** Public keys of those in the file whose header the agent does not take for one: `[peer]`, `[ Peer ]`. */
  readonly overlooked: readonly string[];
}

/** Some keys for a message. */
export const listOf = (keys: readonly string[]): string =>
  keys.length <= 3 ? keys.join(', ') : `${keys.slice(0, 3).join(', ')} and ${String(keys.length - 3)} more`;

export function endangeredPeers({ document, peers = [] }: Pick<Reading, 'document' | 'peers'>): Endangered {
  if (document === undefined) return { running: peers, overlooked: [] };
  const inFile = new Set(peerKeys(document));
  return {
    running: peers.filter(({ public_key: key }) => !inFile.has(key)),
    overlooked: [...overlookedPeers(document)],
  };
}

/** Public keys of peers that run with other networks, keepalive or preshared key than the file has: a start reads the file. */
export function changedWhileRunning({ document, peers = [] }: Pick<Reading, 'document' | 'peers'>): string[] {
  if (document === undefined) return [];
  const inFile = new Map(wishesOfFile(document).map((wish) => [wish.publicKey, wish]));
  return peers
    .filter((peer) => {
      const wish = inFile.get(peer.public_key);
      if (wish === undefined) return false;
      const networks = peer.allowed_ips.flatMap((ip) => parseCidr(ip) ?? []).sort();
      const isSame =
        sameList(networks, [...(wish.allowedIps ?? [])].sort()) &&
        (wish.keepalive ?? 0) === peer.persistent_keepalive &&
        (wish.presharedKey?.reveal() ?? null) === peer.preshared_key;
      return !isSame;
    })
    .map(({ public_key: key }) => key);
}

/** The peers that the agent's PUT drops: those of sections that do not begin with exactly `[Peer]`. */
function overlookedPeers(document: Document): Set<string> {
  const dropped = new Set<string>();
  let isIn = false;
  for (const { raw, section, key, value } of document) {
    const text = raw.trim();
    if (text.startsWith('[')) isIn = text.startsWith('[Peer]');
    else if (!isIn && section === 'peer' && key === 'publickey') dropped.add(value);
  }
  return dropped;
}

/** How many comments the agent's PUT drops. */
export function droppedComments(document: Document): number {
  let isIn = false;
  let count = 0;
  for (const { raw, comment, key } of document) {
    const text = raw.trim();
    if (text.startsWith('[')) isIn = text.startsWith('[Peer]');
    // In a hook `#` is text of the command.
    if (!isIn && comment !== '' && !/^(?:pre|post)(?:up|down)$/.test(key)) count += 1;
  }
  return count;
}

/** Why the peers cannot be kept by the one call that could; undefined = they can. `file`: that will be on the host at that time. */
export function syncProblem(
  file: InterfaceConfig,
  { document, peers = [] }: Pick<Reading, 'document' | 'peers'>,
): string | undefined {
  if (file.privateKey === null) return 'the file has no private key, and the call would take the one that runs away';
  if (HOOK_NAMES.some((name) => file[name].some((hook) => hook.includes('&'))))
    return 'the agent would run `wg-quick save`, which corrupts hooks with `&`';
  const networks = [
    ...(document === undefined ? [] : allowedIpsOf(document)),
    ...peers.flatMap(({ allowed_ips: ips }) => ips.flatMap((ip) => parseCidr(ip) ?? [])),
  ];
  if (file.table === null && file.fwMark === null && networks.some((network) => network.endsWith('/0')))
    return 'a peer has a default route, and the call would take the mark away that wg-quick chose for it';
  return undefined;
}

/**
 * The text for `wg syncconf` with every peer of file and kernel, and with the interface's own key, port and mark, which it would else
 * wipe. Of a peer that both have the file counts: it is what the next start reads.
 */
export function unionText(
  file: InterfaceConfig,
  { document = [], peers = [] }: Pick<Reading, 'document' | 'peers'>,
): string {
  const inFile = new Set(peerKeys(document));
  const own = [
    ['PrivateKey', file.privateKey?.privateKey?.reveal()],
    ['ListenPort', file.listenPort],
    ['FwMark', file.fwMark],
  ].flatMap(([key, value]) => (value === null || value === undefined ? [] : [`${String(key)} = ${String(value)}`]));
  const sections = document
    .filter(({ section, header, key }) => section === 'peer' && (header || key !== ''))
    .map(({ header, raw, comment }) => (header ? '[Peer]' : raw.slice(0, raw.length - comment.length).trim()));
  const running = peers.filter(({ public_key: key }) => !inFile.has(key)).flatMap(sectionOf);
  // Of a network that two peers name the last one gets it.
  return `${['[Interface]', ...own, ...running, ...sections].join('\n')}\n`;
}

function sectionOf(peer: OldPeer): string[] {
  const networks = peer.allowed_ips.filter((ip) => parseCidr(ip) !== undefined);
  return [
    '[Peer]',
    `PublicKey = ${peer.public_key}`,
    ...(peer.preshared_key === null ? [] : [`PresharedKey = ${peer.preshared_key}`]),
    ...(networks.length === 0 ? [] : [`AllowedIPs = ${networks.join(', ')}`]),
    ...(peer.endpoint === null ? [] : [`Endpoint = ${peer.endpoint}`]),
    // Tools before 1.0.20260223 keep what the text merely leaves out.
    `PersistentKeepalive = ${peer.persistent_keepalive === 0 ? 'off' : String(peer.persistent_keepalive)}`,
  ];
}

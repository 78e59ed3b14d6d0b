import { AgentError } from '../core/agent-error.ts';
import type { Baseline, Device, Ledger, Peer, Route } from '../core/device.ts';
import { dumpLineOf, parsePeer } from '../core/parse-dump.ts';
import { type Edit, edited, editOf } from '../core/text-edit.ts';
import type { Cidr } from '../protocol/address.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { memoized } from '../protocol/memoized.ts';
import type { WireStep } from '../protocol/messages.ts';
import { Secret } from '../protocol/secret.ts';
import type { PeerEdits, PeerWish } from '../protocol/wgquick/peer-edits.ts';

/** What stands in the files of the state folder: each as text, and read back, those of older agents, too. */

/** What an apply replaces, written down before its first effect; found at start, it is rolled back. */
export interface JournalEntry {
  /** The previous file; null = there was none. */
  readonly fileText: string | null;
  /** What the apply writes in its place; null = it leaves the file as it is. */
  readonly attemptedText: string | null;
  /** What the interface was brought up with; null = it was down. */
  readonly runningText: string | null;
  /** What was known of its device. */
  readonly previousLedger: Ledger | null;
  /** What ran: peers and endpoints that only the kernel had would be lost with the device. Null = it was down. */
  readonly previousDevice: Device | null;
  readonly previousDesired: 'up' | 'down' | null;
  /** The plan has a step after which nobody knows how far a crash came. */
  readonly disrupted: boolean;
  /** The plan under way, for the log of whoever has to roll it back. */
  readonly steps: readonly WireStep[];
}

/** Secrets print as redacted; in this 0600 file they must be whole, or a restart after a crash could not bring the peers back. */
export function journalText({
  previousDevice,
  previousDesired,
  previousLedger,
  attemptedText,
  ...entry
}: JournalEntry): string {
  const formerLive = previousDevice === null ? null : storedDevice(previousDevice);
  const ledger = previousLedger === null ? null : storedLedger(previousLedger);
  // It runs by its file, as good as always: the text is there once.
  const runs =
    entry.runningText === entry.fileText && entry.fileText !== null ? { runningText: null, runsFile: true } : {};
  const stored: StoredJournal = {
    ...entry,
    ...runs,
    attempt: attemptedText === null ? null : editOf(entry.fileText ?? '', attemptedText),
    formerLive,
    formerWanted: previousDesired,
    previousLedger: ledger,
  };
  return JSON.stringify(stored);
}

/** A route as `DESTINATION TABLE`, and what else it says; agents before 0.4 wrote objects. */
const storedRoutes = memoized((routes: readonly Route[]) =>
  routes.map(({ destination, table, attributes = '' }) => `${destination} ${table} ${attributes}`.trimEnd()),
);

function routeOf(stored: Route | string): Route {
  if (typeof stored !== 'string') return stored;
  const [destination = '', table = '', ...words] = stored.split(' ');
  const attributes = words.length === 0 ? {} : { attributes: words.join(' ') };
  return { destination: destination as Cidr, table, ...attributes };
}

/** The key by its public half: nothing of a ledger is secret. */
type StoredLedger = Omit<Ledger, 'baseline' | 'hooks' | 'unseen'> & {
  /** Ledgers of agents before 0.3 have neither this nor what is told of the routing. */
  readonly hooks?: Ledger['hooks'];
  /** Agents before 0.5 looked at no effects. */
  readonly unseen?: Ledger['unseen'];
  readonly baseline:
    | (Omit<Baseline, 'key' | 'routes' | 'routing' | 'rulePlaces'> & {
        readonly routes: readonly (Route | string)[];
        readonly publicKey: string | null;
        readonly routing?: Baseline['routing'];
        readonly rulePlaces?: Baseline['rulePlaces'];
      })
    | null;
};

export function storedLedger({ baseline, ...ledger }: Ledger): StoredLedger {
  if (baseline === null) return { ...ledger, baseline };
  const { key, routes, bare, ...rest } = baseline;
  // In one order whoever made it: what says the same is the same text.
  const own = { ...rest, ...(bare === undefined ? {} : { bare }) };
  return { ...ledger, baseline: { ...own, routes: storedRoutes(routes), publicKey: key?.publicKey ?? null } };
}

function ledgerOf({ baseline, hooks = [], unseen = [], ...ledger }: StoredLedger): Ledger {
  if (baseline === null) return { ...ledger, baseline, hooks, unseen };
  const { publicKey, routes, routing = [], rulePlaces = [], ...rest } = baseline;
  const key = publicKey === null ? null : InterfaceKey.fromPublic(publicKey);
  return { ...ledger, hooks, unseen, baseline: { ...rest, routes: routes.map(routeOf), routing, rulePlaces, key } };
}

/** What cannot be read is as nothing: the device is then judged by its file alone. */
export function parseLedger(text: string): Ledger | null {
  try {
    return ledgerOf(JSON.parse(text) as StoredLedger);
  } catch {
    return null;
  }
}

/** As agents before 0.4 wrote it. */
type StoredPeer = Omit<Peer, 'presharedKey'> & { readonly presharedKey: string | null };
type StoredDevice = Omit<Device, 'key' | 'peers' | 'routes' | 'routing' | 'rulePlaces'> & {
  readonly routes: readonly (Route | string)[];
  readonly routing?: Device['routing'];
  readonly rulePlaces?: Device['rulePlaces'];
  readonly privateKey: string | null;
  /** A line of `wg show NAME dump` each: JSON of thousands of objects takes its time. */
  readonly peers: readonly (StoredPeer | string)[];
};

/** In the words of agents before 0.2, whose journals must be rolled back, too. */
interface StoredJournal extends Omit<
  JournalEntry,
  'previousDevice' | 'previousDesired' | 'previousLedger' | 'steps' | 'attemptedText'
> {
  /** What turns the previous file into that of the apply; agents before 0.4 wrote the whole text, those before 0.3 neither. */
  readonly attempt?: Edit | null;
  readonly attemptedText?: string | null;
  /** Agents before 0.3 wrote none. */
  readonly previousLedger?: StoredLedger | null;
  /** Agents before 0.2 wrote none. */
  readonly steps?: readonly WireStep[];
  /** Whether `runningText` is the text of the file, and left out. */
  readonly runsFile?: boolean;
  readonly formerLive: StoredDevice | null;
  readonly formerWanted: 'up' | 'down' | null;
}

const peerOf = (peer: StoredPeer | string): Peer =>
  typeof peer === 'string'
    ? parsePeer(peer)
    : { ...peer, presharedKey: peer.presharedKey === null ? null : new Secret(peer.presharedKey) };
const storedDevice = ({ key, peers, routes, ...device }: Device): StoredDevice => ({
  ...device,
  privateKey: key?.privateKey?.reveal() ?? null,
  peers: peers.map(dumpLineOf),
  routes: storedRoutes(routes),
});

const deviceOf = ({ privateKey, peers, routes, routing = [], rulePlaces = [], ...device }: StoredDevice): Device => ({
  ...device,
  routes: routes.map(routeOf),
  routing,
  rulePlaces,
  key: privateKey === null ? null : InterfaceKey.fromPrivate(new Secret(privateKey)),
  peers: peers.map(peerOf),
});

export function parseJournal(text: string): JournalEntry {
  try {
    const {
      formerLive,
      formerWanted,
      previousLedger = null,
      steps = [],
      attempt = null,
      attemptedText: wholeText = null,
      runsFile = false,
      ...stored
    } = JSON.parse(text) as StoredJournal;
    const attemptedText = attempt === null ? wholeText : edited(stored.fileText ?? '', attempt);
    const runningText = runsFile ? stored.fileText : stored.runningText;
    const previousDevice = formerLive === null ? null : deviceOf(formerLive);
    const ledger = previousLedger === null ? null : ledgerOf(previousLedger);
    return {
      ...stored,
      runningText,
      steps,
      attemptedText,
      previousDevice,
      previousDesired: formerWanted,
      previousLedger: ledger,
    };
  } catch {
    // The parser's message would quote the text, keys included.
    throw new AgentError('internal', 'The journal of an unfinished change cannot be read');
  }
}

/** What cannot be read is as nothing. */
export function parsePeers(text: string): Peer[] {
  try {
    return (JSON.parse(text) as (StoredPeer | string)[]).map(peerOf);
  } catch {
    return [];
  }
}

/** Secrets print as redacted; in this 0600 file they must be whole. */
export const editsText = ({ set, removed }: PeerEdits): string =>
  JSON.stringify({
    set: set.map(({ presharedKey, ...wish }) => ({
      ...wish,
      ...(presharedKey === undefined ? {} : { psk: presharedKey.reveal() }),
    })),
    removed,
  });

/** What cannot be read is as nothing: each half of it was whole. */
export function parseEdits(text: string): PeerEdits | null {
  try {
    const { set, removed } = JSON.parse(text) as { set: (PeerWish & { psk?: string })[]; removed: string[] };
    return {
      set: set.map(({ psk, ...wish }) => ({
        ...wish,
        ...(psk === undefined ? {} : { presharedKey: new Secret(psk) }),
      })),
      removed,
    };
  } catch {
    return null;
  }
}

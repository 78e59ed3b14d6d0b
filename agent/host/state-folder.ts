import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import type { Baseline, Device, Ledger, Peer, Route } from '../core/device.ts';
import { dumpLineOf, parsePeer } from '../core/parse-dump.ts';
import { type Edit, edited, editOf } from '../core/text-edit.ts';
import type { Cidr } from '../protocol/address.ts';
import type { WireStep } from '../protocol/messages.ts';
import { memoized } from '../protocol/memoized.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { type Owner, parseOwner } from '../protocol/owner.ts';
import { Secret } from '../protocol/secret.ts';
import {
  type Lifetime,
  listFolder,
  makeFolder,
  readText,
  removeDurably,
  removeFile,
  removeTemporaries,
  replaceFile,
  type Reserve,
  reserveRoom,
  writeDurably,
} from './config-files.ts';

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

/** What the agent remembers of one interface. */
export interface InterfaceState {
  /** The file of the text that the interface was brought up from; its name is that of the interface. */
  readonly runningPath: string;
  /** Null = the interface is down, or was brought up by somebody else. */
  readRunning(): Promise<string | null>;
  writeRunning(text: string | null): Promise<void>;
  /** Null = nothing is known of the device, or there is none. */
  readLedger(): Promise<Ledger | null>;
  writeLedger(ledger: Ledger | null): Promise<void>;
  /** Peers that only the kernel had when the interface went down, for the next time that it comes up. */
  readPeers(): Promise<readonly Peer[]>;
  writePeers(peers: readonly Peer[]): Promise<void>;
  /** The state that a caller asked for; null = nobody did. */
  readDesired(): Promise<'up' | 'down' | null>;
  writeDesired(state: 'up' | 'down' | null): Promise<void>;
  /** The object that it was last changed for; null = none. */
  readOwner(): Promise<Owner | null>;
  writeOwner(owner: Owner | null): Promise<void>;
  /** The change under way; null = there is none. */
  readJournal(): Promise<JournalEntry | null>;
  writeJournal(entry: JournalEntry | null): Promise<void>;
}

/** The agent's own memory, `/var/lib/wgnode` (0700). The wg-quick files stay the only truth about the tunnels themselves. */
export interface StateFolder {
  /** A random id, new whenever the folder is. */
  readonly epoch: string;
  /** Keys the digests, so that no hash of a private key ever leaves the host. */
  readonly digestKey: Secret;
  /** The folder of all `runningPath`. */
  readonly runningFolder: string;
  open(name: string): InterfaceState;
  /** Room for what an undo has to write here. */
  reserve(bytes: number): Reserve;
  /** Names of the interfaces that were brought up by us, as far as we know. */
  running(): Promise<string[]>;
  /** Names of the interfaces that a caller asked to be up. */
  desiredUp(): Promise<string[]>;
  /** Names of the interfaces with an unfinished change. */
  unfinished(): Promise<string[]>;
}

interface Identity {
  readonly epoch: string;
  readonly digestKey: string;
}

async function readIdentity(folder: string): Promise<Identity> {
  const path = join(folder, 'identity.json');
  const text = await readText(path);
  if (text !== null) return JSON.parse(text) as Identity;
  const identity: Identity = { epoch: randomUUID(), digestKey: randomBytes(32).toString('base64') };
  await writeDurably(path, JSON.stringify(identity));
  return identity;
}

/** `text` into the file, or the file away when it is null; no write when nothing changes. */
async function put(path: string, text: string | null, lifetime: Lifetime = 'ever'): Promise<void> {
  if (text === null) {
    if (existsSync(path)) await removeFile(path, lifetime);
  } else if ((await readText(path)) !== text) await replaceFile(path, text, lifetime);
}

/** What was brought up before a reboot is gone, and so is all that its hooks had set up. */
async function forgetPreviousBoot(folder: string, folders: readonly string[]): Promise<void> {
  const path = join(folder, 'boot-id');
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  if ((await readText(path)) === bootId) return;
  for (const each of folders) for (const name of await listFolder(each)) await removeDurably(join(each, name));
  await writeDurably(path, bootId);
}

/** Secrets print as redacted; in this 0600 file they must be whole, or a restart after a crash could not bring the peers back. */
function journalText({
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

/** A route as `DESTINATION TABLE`; agents before 0.4 wrote objects. */
const storedRoutes = memoized((routes: readonly Route[]) =>
  routes.map(({ destination, table }) => `${destination} ${table}`),
);

function routeOf(stored: Route | string): Route {
  if (typeof stored !== 'string') return stored;
  const space = stored.indexOf(' ');
  return { destination: stored.slice(0, space) as Cidr, table: stored.slice(space + 1) };
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

function storedLedger({ baseline, ...ledger }: Ledger): StoredLedger {
  if (baseline === null) return { ...ledger, baseline };
  const { key, routes, ...rest } = baseline;
  return { ...ledger, baseline: { ...rest, routes: storedRoutes(routes), publicKey: key?.publicKey ?? null } };
}

function ledgerOf({ baseline, hooks = [], unseen = [], ...ledger }: StoredLedger): Ledger {
  if (baseline === null) return { ...ledger, baseline, hooks, unseen };
  const { publicKey, routes, routing = [], rulePlaces = [], ...rest } = baseline;
  const key = publicKey === null ? null : InterfaceKey.fromPublic(publicKey);
  return { ...ledger, hooks, unseen, baseline: { ...rest, routes: routes.map(routeOf), routing, rulePlaces, key } };
}

/** What cannot be read is as nothing: the device is then judged by its file alone. */
function parseLedger(text: string): Ledger | null {
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

function parseJournal(text: string): JournalEntry {
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
function parsePeers(text: string): Peer[] {
  try {
    return (JSON.parse(text) as (StoredPeer | string)[]).map(peerOf);
  } catch {
    return [];
  }
}

const asState = (text: string | null): 'up' | 'down' | null => (text === 'up' || text === 'down' ? text : null);

/**
 * Opens the folder, or makes it (0700) with a new identity. Temporary files of a crash go, and so does what was brought up before
 * a reboot.
 */
export async function openStateFolder(folder: string): Promise<StateFolder> {
  const folders: Folders = {
    running: join(folder, 'running'),
    ledger: join(folder, 'ledger'),
    peers: join(folder, 'peers'),
    wanted: join(folder, 'wanted'),
    journal: join(folder, 'journal'),
    owner: join(folder, 'owner'),
  };
  const { running, ledger, peers, wanted, journal, owner } = folders;
  for (const path of [folder, running, ledger, peers, wanted, journal, owner]) {
    await makeFolder(path);
    await removeTemporaries(path);
  }
  const identity = await readIdentity(folder);
  await forgetPreviousBoot(folder, [running, ledger]);
  const open = (name: string): InterfaceState => interfaceState(folders, name);
  return {
    epoch: identity.epoch,
    digestKey: new Secret(identity.digestKey),
    runningFolder: running,
    open,
    reserve: (bytes) => reserveRoom(folder, bytes),
    running: async () =>
      (await listFolder(folders.running))
        .filter((file) => file.endsWith('.conf'))
        .map((file) => file.slice(0, -'.conf'.length)),
    async desiredUp() {
      const names = await listFolder(wanted);
      const states = await Promise.all(names.map((name) => open(name).readDesired()));
      return names.filter((_, index) => states[index] === 'up');
    },
    unfinished: () => listFolder(journal),
  };
}

interface Folders {
  readonly running: string;
  readonly ledger: string;
  readonly peers: string;
  readonly wanted: string;
  readonly journal: string;
  readonly owner: string;
}

function interfaceState({ running, ledger, peers, wanted, journal, owner }: Folders, name: string): InterfaceState {
  const runningPath = join(running, `${name}.conf`);
  return {
    runningPath,
    readRunning: () => readText(runningPath),
    // `forgetPreviousBoot` drops these two.
    writeRunning: (text) => put(runningPath, text, 'boot'),
    async readLedger() {
      const text = await readText(join(ledger, name));
      return text === null ? null : parseLedger(text);
    },
    writeLedger: (entry) =>
      put(join(ledger, name), entry === null ? null : JSON.stringify(storedLedger(entry)), 'boot'),
    async readPeers() {
      const text = await readText(join(peers, name));
      return text === null ? [] : parsePeers(text);
    },
    writePeers: (kept) => put(join(peers, name), kept.length === 0 ? null : JSON.stringify(kept.map(dumpLineOf))),
    readDesired: async () => asState(await readText(join(wanted, name))),
    writeDesired: (state) => put(join(wanted, name), state),
    async readOwner() {
      const text = await readText(join(owner, name));
      return text === null ? null : parseOwner(text);
    },
    writeOwner: (claim) => put(join(owner, name), claim === null ? null : JSON.stringify(claim)),
    async readJournal() {
      const text = await readText(join(journal, name));
      return text === null ? null : parseJournal(text);
    },
    writeJournal: (entry) => put(join(journal, name), entry === null ? null : journalText(entry)),
  };
}

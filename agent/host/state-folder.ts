import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger, Peer } from '../core/device.ts';
import { dumpLineOf } from '../core/parse-dump.ts';
import { type Owner, parseOwner } from '../protocol/owner.ts';
import { Secret } from '../protocol/secret.ts';
import type { PeerEdits } from '../protocol/wgquick/peer-edits.ts';
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
import {
  editsText,
  type JournalEntry,
  journalText,
  parseEdits,
  parseJournal,
  parseLedger,
  parsePeers,
  storedLedger,
} from './stored-state.ts';

export type { JournalEntry } from './stored-state.ts';

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
  /** The change of peers under way; null = there is none. */
  readPeerEdits(): Promise<PeerEdits | null>;
  writePeerEdits(edits: PeerEdits | null): Promise<void>;
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
    edits: join(folder, 'edits'),
  };
  const { running, ledger, peers, wanted, journal, owner, edits } = folders;
  for (const path of [folder, running, ledger, peers, wanted, journal, owner, edits]) {
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
    unfinished: async () => [...new Set([...(await listFolder(journal)), ...(await listFolder(edits))])],
  };
}

interface Folders {
  readonly running: string;
  readonly ledger: string;
  readonly peers: string;
  readonly wanted: string;
  readonly journal: string;
  readonly owner: string;
  readonly edits: string;
}

function interfaceState(folders: Folders, name: string): InterfaceState {
  const { running, ledger, peers, wanted, journal, owner, edits } = folders;
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
    async readPeerEdits() {
      const text = await readText(join(edits, name));
      return text === null ? null : parseEdits(text);
    },
    writePeerEdits: (change) => put(join(edits, name), change === null ? null : editsText(change)),
    async readJournal() {
      const text = await readText(join(journal, name));
      return text === null ? null : parseJournal(text);
    },
    writeJournal: (entry) => put(join(journal, name), entry === null ? null : journalText(entry)),
  };
}

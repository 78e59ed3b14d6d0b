import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import type { Live, LivePeer } from '../core/live.ts';
import type { WireStep } from '../protocol/messages.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { Secret } from '../protocol/secret.ts';
import { listFolder, makeFolder, readText, removeDurably, removeTemporaries, writeDurably } from './config-files.ts';

/** What an apply replaces, written down before its first effect; found at start, it is rolled back. */
export interface JournalEntry {
  /** The former file; null = there was none. */
  readonly fileText: string | null;
  /** What the interface was brought up with; null = it was down. */
  readonly runningText: string | null;
  /** What ran: peers and endpoints that only the kernel had would be lost with the device. Null = it was down. */
  readonly formerLive: Live | null;
  readonly formerWanted: 'up' | 'down' | null;
  /** Set before the first step after which nobody knows how far a crash came. */
  readonly disrupted: boolean;
  /** The plan under way, for the log of whoever has to roll it back. */
  readonly steps: readonly WireStep[];
}

/** The agent's own memory, `/var/lib/wgnode` (0700). The wg-quick files stay the only truth about the tunnels themselves. */
export interface StateFolder {
  readonly epoch: string;
  /** Keys the digests, so that no hash of a private key ever leaves the host. */
  readonly digestKey: Secret;
  readonly runningPath: (name: string) => string;
  readonly readRunning: (name: string) => Promise<string | null>;
  /** Null = the interface is down. */
  readonly writeRunning: (name: string, text: string | null) => Promise<void>;
  readonly readWanted: (name: string) => Promise<'up' | 'down' | null>;
  readonly writeWanted: (name: string, state: 'up' | 'down' | null) => Promise<void>;
  readonly wantedUp: () => Promise<string[]>;
  /** Names of interfaces with an unfinished change. */
  readonly unfinished: () => Promise<string[]>;
  readonly readJournal: (name: string) => Promise<JournalEntry | null>;
  readonly writeJournal: (name: string, entry: JournalEntry | null) => Promise<void>;
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
async function put(path: string, text: string | null): Promise<void> {
  if ((await readText(path)) === text) return;
  await (text === null ? removeDurably(path) : writeDurably(path, text));
}

/** What was brought up before a reboot is gone, and so is all that its hooks had set up. */
async function forgetFormerBoot(folder: string, running: string): Promise<void> {
  const path = join(folder, 'boot-id');
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  if ((await readText(path)) === bootId) return;
  for (const name of await listFolder(running)) await removeDurably(join(running, name));
  await writeDurably(path, bootId);
}

/** Secrets print as redacted; in this 0600 file they must be whole, or a restart after a crash could not bring the peers back. */
const journalText = ({ formerLive, ...entry }: JournalEntry): string =>
  JSON.stringify({ ...entry, formerLive: formerLive === null ? null : storedLive(formerLive) });

type StoredPeer = Omit<LivePeer, 'presharedKey'> & { readonly presharedKey: string | null };
type StoredLive = Omit<Live, 'key' | 'peers'> & {
  readonly privateKey: string | null;
  readonly peers: readonly StoredPeer[];
};

interface StoredJournal extends Omit<JournalEntry, 'formerLive' | 'steps'> {
  /** Agents before 0.2 wrote none. */
  readonly steps?: readonly WireStep[];
  readonly formerLive: StoredLive | null;
}

const storedLive = ({ key, peers, ...live }: Live): StoredLive => ({
  ...live,
  privateKey: key?.privateKey?.reveal() ?? null,
  peers: peers.map((peer) => ({ ...peer, presharedKey: peer.presharedKey?.reveal() ?? null })),
});

const liveOf = ({ privateKey, peers, ...live }: StoredLive): Live => ({
  ...live,
  key: privateKey === null ? null : InterfaceKey.fromPrivate(new Secret(privateKey)),
  peers: peers.map((peer) => ({
    ...peer,
    presharedKey: peer.presharedKey === null ? null : new Secret(peer.presharedKey),
  })),
});

function parseJournal(text: string): JournalEntry {
  try {
    const { formerLive, steps = [], ...stored } = JSON.parse(text) as StoredJournal;
    return { ...stored, steps, formerLive: formerLive === null ? null : liveOf(formerLive) };
  } catch {
    // The parser's message would quote the text, keys included.
    throw new AgentError('internal', 'The journal of an unfinished change cannot be read');
  }
}

const asState = (text: string | null): 'up' | 'down' | null => (text === 'up' || text === 'down' ? text : null);

export async function openStateFolder(folder: string): Promise<StateFolder> {
  const [running, wanted, journal] = ['running', 'wanted', 'journal'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [folder, running, wanted, journal]) {
    await makeFolder(path);
    await removeTemporaries(path);
  }
  const identity = await readIdentity(folder);
  await forgetFormerBoot(folder, running);
  const runningPath = (name: string): string => join(running, `${name}.conf`);
  const readWanted = async (name: string): Promise<'up' | 'down' | null> => asState(await readText(join(wanted, name)));
  return {
    epoch: identity.epoch,
    digestKey: new Secret(identity.digestKey),
    runningPath,
    readRunning: (name) => readText(runningPath(name)),
    writeRunning: (name, text) => put(runningPath(name), text),
    readWanted,
    writeWanted: (name, state) => put(join(wanted, name), state),
    wantedUp: async () => {
      const names = await listFolder(wanted);
      const states = await Promise.all(names.map(readWanted));
      return names.filter((_, index) => states[index] === 'up');
    },
    unfinished: () => listFolder(journal),
    readJournal: async (name) => {
      const text = await readText(join(journal, name));
      return text === null ? null : parseJournal(text);
    },
    writeJournal: (name, entry) => put(join(journal, name), entry === null ? null : journalText(entry)),
  };
}

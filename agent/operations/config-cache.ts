import { lstatSync } from 'node:fs';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import type { NetworkEvents } from '../host/network-events.ts';
import type { ConfigResponse } from '../protocol/messages.ts';

/** A response to GET config, as text, too: it is the same for everybody until something changes. */
export interface CachedConfig {
  readonly response: ConfigResponse;
  readonly body: string;
  readonly etag: string;
}

export interface ConfigCacheOptions {
  readonly read: (target: ManagedInterface) => Promise<ConfigResponse>;
  readonly network: NetworkEvents;
  /** Of rules of the firewall, listened to once a hook has left some (`LookMemory`): without it they are looked at every 30 s. */
  readonly firewall: NetworkEvents;
  /** Calls back whenever a mutation of an interface has ended. */
  readonly onMutation: (listener: (name: string) => void) => void;
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
  /** How old a file must be to be known by its marks; default: a tick of the file system's clock. */
  readonly settleMs?: number;
}

/** How long after the last question wg is still looked at. */
const WATCHED_MS = 75_000;
const LOOK_MS = 1_000;
/** The look at wg is late: what it would have seen is not known. */
const LATE_MS = 3 * LOOK_MS;
/** Everything is read anew, whatever the sources say. */
const BACKSTOP_MS = 30_000;
/** Two writes within one tick of the file system's clock look like one. */
const CLOCK_TICK_MS = 20;

interface Entry {
  readonly cached: CachedConfig;
  readonly target: ManagedInterface;
  /** Size, inode and times of the file when it was read; null = there was none. */
  readonly fileMark: string | null;
  /** What wg said of the device; null = there is none. */
  readonly wg: string | null;
  readonly readMs: number;
  lookedMs: number;
  askedMs: number;
}

/** A read under way, and what was known to have happened when it began. */
interface Reading {
  readonly generation: string;
  readonly answer: Promise<CachedConfig>;
}

/** Answers GET config from memory while nothing has changed. A source that lags or ends makes the answer unknown, never wrong. */
export class ConfigCache {
  readonly #options: ConfigCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #reading = new Map<string, Reading>();
  readonly #generations = new Map<string, number>();
  #allGenerations = 0;
  #looking = false;
  readonly #timer: NodeJS.Timeout;

  constructor(options: ConfigCacheOptions) {
    this.#options = options;
    options.onMutation((name) => {
      this.#forget(name);
    });
    options.network.onChange((line) => {
      const names = line === null ? [] : devicesIn(line);
      if (names.length === 0) this.#forgetAll();
      for (const name of names) this.#forget(name);
    });
    options.firewall.onChange(() => {
      this.#forgetAll();
    });
    options.network.start();
    this.#timer = setInterval(() => void this.#lookAtAll(), LOOK_MS).unref();
  }

  /** Null = it must be read. Makes no process, opens no socket and parses nothing. */
  peek(name: string): CachedConfig | null {
    const entry = this.#entries.get(name);
    if (entry === undefined || !this.#isFresh(entry)) return null;
    entry.askedMs = this.#options.nowMs();
    return entry.cached;
  }

  /** As `read` answers, and kept. Callers at one time share one read, but none that began before something changed. */
  get(target: ManagedInterface): Promise<CachedConfig> {
    const { name } = target;
    const generation = this.#generationOf(name);
    const running = this.#reading.get(name);
    if (running?.generation === generation) return running.answer;
    const answer = this.#load(target).finally(() => {
      if (this.#reading.get(name) === own) this.#reading.delete(name);
    });
    const own = { generation, answer };
    this.#reading.set(name, own);
    return answer;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#options.network.stop();
    this.#options.firewall.stop();
  }

  #generationOf(name: string): string {
    return `${String(this.#allGenerations)} ${String(this.#generations.get(name) ?? 0)}`;
  }

  #forget(name: string): void {
    if (!this.#entries.has(name) && !this.#reading.has(name)) return;
    this.#entries.delete(name);
    this.#generations.set(name, (this.#generations.get(name) ?? 0) + 1);
  }

  #forgetAll(): void {
    this.#entries.clear();
    this.#generations.clear();
    this.#allGenerations += 1;
  }

  #isFresh({ lookedMs, readMs, fileMark, target }: Entry): boolean {
    const { nowMs, network } = this.#options;
    const now = nowMs();
    const isOnTime = now - lookedMs < LATE_MS && now - readMs < BACKSTOP_MS + LATE_MS;
    return isOnTime && fileMarkOf(target.path) === fileMark && network.isReliable();
  }

  async #load(target: ManagedInterface): Promise<CachedConfig> {
    const { read, network, nowMs, settleMs = CLOCK_TICK_MS } = this.#options;
    const { name } = target;
    const isReliable = network.isReliable();
    const generation = this.#generationOf(name);
    const readMs = nowMs();
    const fileMark = fileMarkOf(target.path);
    const wg = await target.backend.fingerprint();
    const response = await read(target);
    const cached = { response, body: JSON.stringify(response), etag: `"${response.digest}"` };
    if (isReliable && this.#generationOf(name) === generation && isSettled(fileMark, settleMs))
      this.#entries.set(name, { cached, target, fileMark, wg, readMs, lookedMs: readMs, askedMs: nowMs() });
    return cached;
  }

  async #lookAtAll(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const looks = [...this.#entries].map(async ([name, entry]) => {
      try {
        await this.#look(name, entry);
      } catch {
        this.#forget(name);
      }
    });
    await Promise.all(looks);
    this.#looking = false;
  }

  /** What wg tells nobody of by itself: peers, keys, the port, the mark. */
  async #look(name: string, entry: Entry): Promise<void> {
    const now = this.#options.nowMs();
    if (now - entry.askedMs > WATCHED_MS) {
      this.#entries.delete(name);
      return;
    }
    if (now - entry.readMs >= BACKSTOP_MS) {
      await this.get(entry.target);
      const fresh = this.#entries.get(name);
      if (fresh !== undefined) fresh.askedMs = entry.askedMs;
      return;
    }
    const wg = await entry.target.backend.fingerprint();
    if (wg === entry.wg) entry.lookedMs = now;
    else if (this.#entries.get(name) === entry) this.#forget(name);
  }
}

/** Changes with the file: with its content, its owner, its place. Null = there is no file. */
function fileMarkOf(path: string): string | null {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return null;
  const { ino, size, mtimeNs, ctimeNs, mode } = stat;
  return [ino, size, mtimeNs, ctimeNs, mode].join(' ');
}

/** Whether a file that was read just now cannot have been written again within the same tick of the clock; what a link points to is not seen. */
function isSettled(fileMark: string | null, settleMs: number): boolean {
  if (fileMark === null) return true;
  const [, , , ctimeNs = '0', mode = '0'] = fileMark.split(' ');
  const isLink = (Number(mode) & 0o170000) === 0o120000;
  return !isLink && Date.now() - Number(BigInt(ctimeNs) / 1_000_000n) > settleMs;
}

/**
 * The devices that a line of `ip -oneline monitor` is about: `7: wg0: <...>`, `7: wg0    inet ...`, `10.0.0.0/8 dev wg0 ...`; none
 * where it names none, as rules do.
 */
export function devicesIn(line: string): string[] {
  const text = line.replace(/^Deleted /, '');
  const own = /^[0-9]+: ([^\s:@]+)[:@ ]/.exec(text)?.[1];
  return own === undefined ? [...text.matchAll(/ dev (\S+)/g)].map(([, name = '']) => name) : [own];
}

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

/** Answers GET config from memory while nothing has changed. */
export interface ConfigCache {
  /** Null = it must be read. Makes no process and reads no file. */
  peek(target: ManagedInterface): CachedConfig | null;
  /** As `read` answers, and kept. Callers at one time share one read. */
  get(target: ManagedInterface): Promise<CachedConfig>;
  stop(): void;
}

export interface ConfigCacheOptions {
  readonly read: (target: ManagedInterface) => Promise<ConfigResponse>;
  readonly events: NetworkEvents;
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

export function createConfigCache({
  read,
  events,
  onMutation,
  nowMs,
  settleMs = CLOCK_TICK_MS,
}: ConfigCacheOptions): ConfigCache {
  const entries = new Map<string, Entry>();
  const reading = new Map<string, { readonly generation: string; readonly answer: Promise<CachedConfig> }>();
  const generations = new Map<string, number>();
  let all = 0;
  /** Moves with everything that may have changed the interface. */
  const generationOf = (name: string): string => `${String(all)} ${String(generations.get(name) ?? 0)}`;
  const forget = (name: string): void => {
    if (!entries.has(name) && !reading.has(name)) return;
    entries.delete(name);
    generations.set(name, (generations.get(name) ?? 0) + 1);
  };
  const forgetAll = (): void => {
    entries.clear();
    generations.clear();
    all += 1;
  };
  onMutation(forget);
  events.onChange((line) => {
    const names = line === null ? [] : devicesIn(line);
    if (names.length === 0) forgetAll();
    else names.forEach(forget);
  });

  const isFresh = (entry: Entry): boolean => {
    const now = nowMs();
    return (
      now - entry.lookedMs < LATE_MS &&
      now - entry.readMs < BACKSTOP_MS + LATE_MS &&
      fileMarkOf(entry.target.path) === entry.fileMark &&
      events.isReliable()
    );
  };

  const load = async (target: ManagedInterface): Promise<CachedConfig> => {
    const { name } = target;
    const reliable = events.isReliable();
    const generation = generationOf(name);
    const readMs = nowMs();
    const fileMark = fileMarkOf(target.path);
    const wg = await target.backend.fingerprint();
    const response = await read(target);
    const cached = { response, body: JSON.stringify(response), etag: `"${response.digest}"` };
    if (reliable && generationOf(name) === generation && isSettled(fileMark, settleMs))
      entries.set(name, { cached, target, fileMark, wg, readMs, lookedMs: readMs, askedMs: nowMs() });
    return cached;
  };

  const get = (target: ManagedInterface): Promise<CachedConfig> => {
    const { name } = target;
    const generation = generationOf(name);
    const running = reading.get(name);
    if (running?.generation === generation) return running.answer;
    const own = {
      generation,
      answer: load(target).finally(() => {
        if (reading.get(name) === own) reading.delete(name);
      }),
    };
    reading.set(name, own);
    return own.answer;
  };

  /** What wg tells nobody of by itself: peers, keys, the port, the mark. */
  const look = async (name: string, entry: Entry): Promise<void> => {
    const now = nowMs();
    if (now - entry.askedMs > WATCHED_MS) {
      entries.delete(name);
      return;
    }
    if (now - entry.readMs >= BACKSTOP_MS) {
      const { askedMs } = entry;
      await get(entry.target);
      const fresh = entries.get(name);
      if (fresh !== undefined) fresh.askedMs = askedMs;
      return;
    }
    const wg = await entry.target.backend.fingerprint();
    if (wg === entry.wg) entry.lookedMs = now;
    else if (entries.get(name) === entry) forget(name);
  };
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    const looks = [...entries].map(([name, entry]) =>
      look(name, entry).catch(() => {
        forget(name);
      }),
    );
    void Promise.all(looks).then(() => (looking = false));
  }, LOOK_MS);
  timer.unref();

  return {
    peek(target) {
      const entry = entries.get(target.name);
      if (entry === undefined || !isFresh(entry)) return null;
      entry.askedMs = nowMs();
      return entry.cached;
    },
    get,
    stop() {
      clearInterval(timer);
      events.stop();
    },
  };
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

import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
}

/** Milliseconds of CPU by area, the most first. */
export type Shares = readonly (readonly [area: string, ms: number])[];

/**
 * What a profile of V8 (`--cpu-prof`) of one bundle spent where, by the file that each function was written in. A phase is told in ms since
 * the profile began.
 */
export class CpuProfile {
  readonly #profile: Profile;
  readonly #areas: ReadonlyMap<number, string>;

  constructor(profileFile: string, mapFile: string) {
    this.#profile = JSON.parse(readFileSync(profileFile, 'utf8')) as Profile;
    const map = new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8')) as SourceMapPayload);
    this.#areas = new Map(this.#profile.nodes.map(({ id, callFrame }) => [id, areaOf(callFrame, map)]));
  }

  shares(fromMs: number, toMs: number): Shares {
    const sums = new Map<string, number>();
    let atUs = 0;
    for (const [index, id] of this.#profile.samples.entries()) {
      const delta = this.#profile.timeDeltas[index] ?? 0;
      atUs += delta;
      if (atUs < fromMs * 1000 || atUs > toMs * 1000) continue;
      const area = this.#areas.get(id) ?? 'unknown';
      if (area !== IDLE) sums.set(area, (sums.get(area) ?? 0) + delta / 1000);
    }
    return [...sums].sort(([, left], [, right]) => right - left);
  }
}

const IDLE = 'idle';

const NATIVE: Readonly<Record<string, string>> = {
  '(idle)': IDLE,
  '(garbage collector)': 'garbage collection',
  '(program)': 'native: system calls, OpenSSL',
};

type Frame = Profile['nodes'][number]['callFrame'];

function areaOf({ functionName, url, lineNumber, columnNumber }: Frame, map: SourceMap): string {
  const native = NATIVE[functionName];
  if (native !== undefined) return native;
  if (url.startsWith('node:')) return nodeArea(url);
  if (url === '') return 'native: system calls, OpenSSL';
  const entry = map.findEntry(lineNumber, columnNumber);
  return 'originalSource' in entry ? sourceArea(entry.originalSource) : 'bundle';
}

/** Of Node's own: by what it is about. */
function nodeArea(url: string): string {
  if (/tls|crypto|_tls/.test(url)) return 'node: TLS';
  if (/net|stream|http|dns|buffer/.test(url)) return 'node: sockets and streams';
  if (/timer|abort|event|process|async|promise/.test(url)) return 'node: timers, events, promises';
  return 'node: other';
}

/** Of a library its name; of ours the folder. */
function sourceArea(source: string): string {
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1];
  if (library !== undefined) return library;
  const own = /(controller|agent)\/(?:([a-z-]+)\/)?/.exec(source);
  return own === null ? source : `ours: ${own[1] ?? ''}/${own[2] ?? ''}`;
}

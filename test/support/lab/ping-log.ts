export interface PingSummary {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  /** The longest time without a reply, from the first probe to the last. */
  readonly longestGapMs: number;
}

interface Line {
  readonly sequence: number;
  readonly atMs: number;
  readonly isReply: boolean;
}

// ping(8) counts in 16 bits.
const WRAP = 65_536;

/** Reads the output of `ping -D -O` (iputils) as it comes. */
export class PingLog {
  readonly #lines: Line[] = [];
  readonly #replied = new Set<number>();
  #rest = '';
  #highest = 0;

  add(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#addLine(line);
  }

  /** The highest probe that a line was seen for. */
  sent(): number {
    return this.#highest;
  }

  /** Counts the probes 1 to `last`. */
  summary(last: number): PingSummary {
    const counted = this.#lines.filter((line) => line.sequence <= last);
    const received = counted.filter((line) => line.isReply).length;
    const ends = [counted[0]?.atMs ?? 0, counted.at(-1)?.atMs ?? 0] as const;
    const times = [ends[0], ...counted.filter((line) => line.isReply).map((line) => line.atMs), ends[1]];
    const gaps = times.map((time, index) => time - (times[index - 1] ?? time));
    return { sent: last, received, lost: last - received, longestGapMs: Math.round(Math.max(...gaps)) };
  }

  #addLine(text: string): void {
    const match = /^\[(\d+\.\d+)\] (.*icmp_seq=(\d+).*)$/.exec(text);
    if (match === null) return;
    const sequence = this.#unwrap(Number(match[3]));
    const isReply = /bytes from .* time=/.test(match[2] ?? '') && !this.#replied.has(sequence);
    if (isReply) this.#replied.add(sequence);
    this.#highest = Math.max(this.#highest, sequence);
    this.#lines.push({ sequence, atMs: Number(match[1]) * 1000, isReply });
  }

  #unwrap(sequence: number): number {
    const rounds = Math.round((this.#highest - sequence) / WRAP);
    return sequence + rounds * WRAP;
  }
}

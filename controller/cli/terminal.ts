import { printable } from '../../agent/protocol/text-table.ts';
import { pause, systemClock } from '../runtime/clock.ts';

/** The side of the person: results on stdout, remarks on stderr. */
export interface Terminal {
  /** Whether stdout is read by a person. */
  readonly isTerminal: boolean;
  readonly isColoured: boolean;
  readonly print: (text: string) => void;
  readonly remark: (text: string) => void;
  readonly nowMs: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** This process. */
export function createTerminal(): Terminal {
  const isTerminal = process.stdout.isTTY;
  return {
    isTerminal,
    isColoured: isTerminal && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
    print: (text) => {
      process.stdout.write(text);
    },
    remark: (text) => {
      process.stderr.write(text.split('\n').map(printable).join('\n'));
    },
    nowMs: Date.now,
    pause: (ms, signal) => pause(systemClock, ms, signal),
  };
}

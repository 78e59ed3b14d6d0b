import { expect } from '@jest/globals';
import type { Logger } from '../../../agent/log.ts';
import { findLeaks, type NamedText } from '../../support/canary.ts';

/** Everything that left the agent during a test file: answers and log lines, in which no canary may ever stand. */
export interface LeakWatch {
  readonly log: Logger;
  readonly lines: readonly string[];
  add(name: string, text: string): void;
  expectNone(): void;
}

export function createLeakWatch(): LeakWatch {
  const seen: NamedText[] = [];
  const lines: string[] = [];
  const method = (level: string): Logger['info'] =>
    ((message: unknown, fields: unknown) => {
      const text = JSON.stringify({ level, message, fields });
      lines.push(text);
      seen.push({ name: `log ${level}`, text });
    }) as unknown as Logger['info'];
  return {
    log: {
      error: method('error'),
      warn: method('warn'),
      info: method('info'),
      debug: method('debug'),
      isDebugEnabled: () => true,
    },
    lines,
    add: (name, text) => {
      seen.push({ name, text });
    },
    expectNone: () => {
      expect(findLeaks(seen)).toEqual([]);
    },
  };
}

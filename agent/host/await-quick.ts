import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../core/agent-error.ts';
import { quickProcesses } from './quick-processes.ts';

const POLL_MS = 50;
/** A hook of somebody else may hang for ever; a caller shall not. */
const LIMIT_MS = 30_000;

/** Waits while a wg-quick of somebody else brings the interface up or down: two at once would tear at one device. Whether there was one. */
export async function awaitQuick(name: string): Promise<boolean> {
  const started = performance.now();
  let isThere = false;
  while (quickProcesses(name).length > 0) {
    if (performance.now() - started > LIMIT_MS) {
      const seconds = String(LIMIT_MS / 1000);
      throw new AgentError(
        'busy',
        `A wg-quick has worked on ${name} for more than ${seconds} s; try again when it has ended`,
      );
    }
    isThere = true;
    await sleep(POLL_MS);
  }
  return isThere;
}

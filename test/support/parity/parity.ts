import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LabHost } from '../lab/start-host.ts';
import { repositoryPath } from '../lab/repository.ts';

/** A file that wg-quick and the agent bring up and down in turn. */
export interface ParityRequest {
  readonly name: string;
  /** Of the file, Latin-1. */
  readonly text: string;
  /** Bash that runs before each time. */
  readonly prepare?: string;
  /** Bash that runs after each time. */
  readonly clean?: string;
  /** Also up by one and down by the other. */
  readonly crossed?: boolean;
}

/** What came of it. */
export interface ParityResult {
  /** Whether wg-quick brought it up. */
  readonly cameUp: boolean;
  /** Texts for people; none = the host was the same one each time. */
  readonly differences: readonly string[];
  /** Of the state that wg-quick made: many of them show that a generator does not make the same file again and again. */
  readonly hash: string;
}

/** Compares files on one host, one after the other. */
export interface Parity {
  compare(ask: ParityRequest): Promise<ParityResult>;
  stop(): Promise<void>;
}

/** Starts the comparing process in the host; its agent must run. */
export async function startParity(host: LabHost): Promise<Parity> {
  const { port } = new URL(host.agentUrl);
  await host.writeFile('/run/parity.settings', `https://127.0.0.1:${port}\n${host.hmacKey}\n`);
  const [program = '', ...args] = host.argvFor([
    process.execPath,
    repositoryPath('test/support/parity/compare-main.ts'),
  ]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  return {
    async compare(ask) {
      child.stdin.write(`${JSON.stringify(ask)}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`The comparison ended at this file:\n${ask.text}`);
      return JSON.parse(value) as ParityResult;
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

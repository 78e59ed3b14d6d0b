import type { Readable } from 'node:stream';

/** An answer is larger than any that an agent gives to this question. */
export class AnswerTooLarge extends Error {
  readonly code = 'answer_too_large';
}

/** Beyond this an answer takes its turn, so that many large ones at once cannot fill the memory. */
const LARGE_BYTES = 256 * 1024;
const LARGE_AT_ONCE = 2;

let large = 0;
const waiting: (() => void)[] = [];

async function enterLarge(): Promise<void> {
  if (large < LARGE_AT_ONCE) {
    large += 1;
    return;
  }
  await new Promise<void>((resolve) => waiting.push(resolve));
}

function leaveLarge(): void {
  const next = waiting.shift();
  if (next === undefined) large -= 1;
  else next();
}

/** The text of a body of at most so many bytes; throws AnswerTooLarge. What waits for its turn stays in the socket. */
export async function readBody(body: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isLarge = false;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new AnswerTooLarge(`more than ${String(maxBytes)} bytes`);
      chunks.push(chunk);
      if (bytes > LARGE_BYTES && !isLarge) {
        isLarge = true;
        await enterLarge();
      }
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    if (isLarge) leaveLarge();
  }
}

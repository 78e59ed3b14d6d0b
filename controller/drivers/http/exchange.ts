import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** An answer is larger than any that an agent gives to this question. */
export class AnswerTooLarge extends Error {
  readonly code = 'answer_too_large';
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What is taken of an answer. */
export interface ExchangeLimits {
  /** Of a body; of an error's body another one. */
  readonly maxBytes: number;
  readonly maxErrorBytes: number;
  readonly signal: AbortSignal;
}

/** Beyond this an answer takes its turn, so that many large ones at once cannot fill the memory. */
const LARGE_BYTES = 256 * 1024;
const LARGE_AT_ONCE = 2;
/** An answer that brings nothing for so long has no turn any more: it shall hold up nobody else. */
const STALLED_MS = 1_000;

let large = 0;
const waiting = new Set<() => void>();

/** Whether it is this answer's turn now; else it is called back. */
function enterLarge(enter: () => void): boolean {
  if (large >= LARGE_AT_ONCE) {
    waiting.add(enter);
    return false;
  }
  large += 1;
  return true;
}

function leaveLarge(): void {
  const [next] = waiting;
  if (next === undefined) {
    large -= 1;
    return;
  }
  waiting.delete(next);
  // Its parser must not start inside a callback of another's: undici has one for all.
  setImmediate(next);
}

/**
 * Sends a request and takes its whole answer, without undici's streams in between. Rejects with AnswerTooLarge, the reason of the
 * signal, or what undici says.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { signal } = limits;
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const taken = new Taken(limits, { resolve, reject });
    // At once, also where the request still waits for its connection: undici does not give that up.
    signal.addEventListener('abort', taken.abort, { once: true });
    dispatcher.dispatch(request, taken);
  });
}

interface Settle {
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** What has come of an answer so far. */
class Taken implements Dispatcher.DispatchHandler {
  readonly #limits: ExchangeLimits;
  readonly #settle: Settle;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #bytes = 0;
  #turn: 'none' | 'waits' | 'has' | 'had' = 'none';
  #stalled: NodeJS.Timeout | undefined;

  constructor(limits: ExchangeLimits, settle: Settle) {
    this.#limits = limits;
    this.#settle = settle;
  }

  readonly abort = (): void => {
    this.#fail(this.#limits.signal.reason as Error);
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Whoever asked has gone while this waited for its connection.
    if (this.#limits.signal.aborted) controller.abort(this.#limits.signal.reason as Error);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.byteLength;
    const { maxBytes, maxErrorBytes } = this.#limits;
    const limit = this.#status < 400 ? maxBytes : maxErrorBytes;
    if (this.#bytes > limit) {
      this.#fail(new AnswerTooLarge(`more than ${String(limit)} bytes`));
      return;
    }
    this.#chunks.push(chunk);
    if (this.#turn === 'has') this.#stalled?.refresh();
    if (this.#bytes <= LARGE_BYTES || this.#turn !== 'none') return;
    if (enterLarge(this.#enter)) {
      this.#begin();
      return;
    }
    // What waits for its turn stays in the socket.
    this.#turn = 'waits';
    controller.pause();
  }

  #begin(): void {
    this.#turn = 'has';
    this.#stalled = setTimeout(() => {
      this.#turn = 'had';
      leaveLarge();
    }, STALLED_MS);
  }

  readonly #enter = (): void => {
    // It was given up between its call and now.
    if (this.#turn === 'none') {
      leaveLarge();
      return;
    }
    this.#begin();
    this.#controller?.resume();
  };

  onResponseEnd(): void {
    this.#end();
    const [first = EMPTY] = this.#chunks;
    const text = (this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first).toString('utf8');
    this.#settle.resolve({ status: this.#status, headers: this.#headers, text });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end();
    this.#settle.reject(error);
  }

  #fail(error: Error): void {
    this.#end();
    this.#settle.reject(error);
    this.#controller?.abort(error);
  }

  #end(): void {
    this.#limits.signal.removeEventListener('abort', this.abort);
    clearTimeout(this.#stalled);
    if (this.#turn === 'has') leaveLarge();
    else waiting.delete(this.#enter);
    this.#turn = 'none';
  }
}

const EMPTY = Buffer.alloc(0);

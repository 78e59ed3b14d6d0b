/**
 * Runs work with a signal that aborts when `signal` does, or after so many ms (its reason is then a TimeoutError). When the work
 * has ended nothing is left of it: a timer of AbortSignal.timeout would run on to its end, and wake the process for nothing.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  limitMs: number,
  work: (deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(signal.reason);
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`It took more than ${String(limitMs)} ms`, 'TimeoutError'));
  }, limitMs);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

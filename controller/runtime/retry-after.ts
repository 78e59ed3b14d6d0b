/** No server may put us off for longer. */
const MAX_MS = 10 * 60 * 1000;

/**
 * The wait that a Retry-After header asks for (RFC 9110, section 10.2.3: seconds or a date), ms, at most ten minutes. 0 when there is
 * none or it cannot be read.
 */
export function parseRetryAfter(header: string | string[] | undefined, nowMs: number): number {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  const ms = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(MAX_MS, Math.max(0, ms)) : 0;
}

/** The wait that a failed request asks for by a `retryAfterMs` of its error, ms; 0 for every other error. */
export function retryAfterOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('retryAfterMs' in error)) return 0;
  const { retryAfterMs } = error;
  return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : 0;
}

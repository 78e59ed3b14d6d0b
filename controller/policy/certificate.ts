const WARN_MS = 14 * 24 * 60 * 60 * 1000;

/** Whether a certificate ends so soon that somebody has to be told. `notAfterMs`: undefined = there is none. */
export const isEnding = (notAfterMs: number | undefined, nowMs: number): boolean =>
  notAfterMs !== undefined && notAfterMs - nowMs < WARN_MS;

/** What is said beside a connection that works; it changes once, and not from day to day. */
export const endingText = (notAfterMs: number | undefined, nowMs: number): string =>
  notAfterMs === undefined || !isEnding(notAfterMs, nowMs)
    ? ''
    : `; its certificate ends on ${new Date(notAfterMs).toISOString().slice(0, 10)}: renew it (wgnode-agent renew, where init made it)`;

import { isUtf8 } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from './secret.ts';

/** What scheme v1 signs: `METHOD|PATH|BODY|TIMESTAMP`. Neither host nor query is covered, which is why v1 carries no options there. */
export interface SignedRequest {
  /** Upper case. */
  readonly method: string;
  /** The request target as it stands on the wire; only the part before `?` counts. */
  readonly target: string;
  readonly body: Uint8Array;
  /** Unix seconds, as text. */
  readonly timestamp: string;
}

/** The path that is signed: `%XX` decoded as UTF-8, `+` left alone, broken sequences kept as they are (RFC 3986, section 2.1). */
export function signedPath(target: string): string {
  const [path = ''] = target.split('?', 1);
  if (!path.includes('%')) return path;
  return path.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** The value of X-Signature: lower-case hex of HMAC-SHA256. */
export function signV1(request: SignedRequest, secret: Secret): string {
  return createHmac('sha256', secret.reveal())
    .update(`${request.method}|${signedPath(request.target)}|`)
    .update(request.body)
    .update(`|${request.timestamp}`)
    .digest('hex');
}

/** The two headers of scheme v1 for a request that is sent now. */
export function headersV1(
  request: Omit<SignedRequest, 'timestamp'>,
  secret: Secret,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  return { 'x-timestamp': timestamp, 'x-signature': signV1({ ...request, timestamp }, secret) };
}

/** Whether a request is who it says it is, or why not. */
export type Verification =
  /** `secret`: the one that signed it. */
  | { readonly ok: true; readonly secret: Secret }
  | { readonly ok: false; readonly error: string; readonly code: RefusalCode };
/** The error codes of an authentication that fails. */
export type RefusalCode = 'missing_signature' | 'invalid_timestamp' | 'clock_skew' | 'invalid_signature';

/** A request with what proves it; headers as they came. */
export interface VerifyInput extends Omit<SignedRequest, 'timestamp'> {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** Any one of them may have signed: the current key and the next one. */
  readonly secrets: readonly Secret[];
  readonly nowMs: number;
  readonly maxAgeSeconds: number;
}

const refuse = (code: RefusalCode, error: string): Verification => ({ ok: false, error, code });

/** The integer that Python's int() makes of a timestamp header: a sign and single underscores between digits are allowed. */
const parseTimestamp = (text: string): number | undefined =>
  /^[+-]?[0-9]+(_[0-9]+)*$/.test(text) && text.length <= 32 ? Number(text.replaceAll('_', '')) : undefined;

const isSignedBy = (request: SignedRequest, signature: string, secret: Secret): boolean => {
  const expected = Buffer.from(signV1(request, secret), 'latin1');
  const given = Buffer.from(signature, 'utf8');
  return given.length === expected.length && timingSafeEqual(given, expected);
};

/** Judges a request by scheme v1; the order of checks and their texts are part of the old agent's contract. */
export function verifyV1(input: VerifyInput): Verification {
  const { timestamp, signature } = input;
  if (!timestamp || !signature) return refuse('missing_signature', 'Missing X-Signature or X-Timestamp header');
  const seconds = parseTimestamp(timestamp);
  if (seconds === undefined) return refuse('invalid_timestamp', 'Invalid timestamp');
  if (Math.abs(Math.floor(input.nowMs / 1000) - seconds) > input.maxAgeSeconds) {
    return refuse('clock_skew', 'Request timestamp too old');
  }
  // The scheme reads the body as UTF-8; what is none was signed by nobody who keeps to it.
  if (!isUtf8(input.body)) return refuse('invalid_signature', 'Invalid signature');
  // Old clients sign an empty dict as an empty body but send `{}`.
  const bodies = Buffer.from(input.body).toString('latin1') === '{}' ? [input.body, new Uint8Array()] : [input.body];
  // All are tried, whichever it is: the time that it takes tells nothing.
  const signers = bodies.flatMap((body) =>
    input.secrets.filter((secret) =>
      isSignedBy({ method: input.method, target: input.target, body, timestamp }, signature, secret),
    ),
  );
  const [secret] = signers;
  return secret === undefined ? refuse('invalid_signature', 'Invalid signature') : { ok: true, secret };
}

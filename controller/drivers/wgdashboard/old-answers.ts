import { validatorOf } from '../../runtime/validator.ts';
import { refusal } from '../../policy/refusal.ts';
import type { WirePeer } from '../../../agent/protocol/messages.ts';
import { redactKeys } from '../../../agent/protocol/redact.ts';
import type { Failure } from '../driver.ts';
import { AgentFailure, AgentUnreachable, Unable } from '../http/agent-failure.ts';
import { type AgentResponse, type ErrorBody, parseError } from '../http/answers.ts';

/** A peer as `dump` tells it, its preshared key in clear; `(none)` where there is no network. */
export interface OldPeer extends WirePeer {
  /** 0 = off. */
  readonly persistent_keepalive: number;
}

/** What of GET config is used: the parsed fields beside the text are wrong for more than one file. */
export interface OldConfig {
  readonly interface: string;
  readonly config: { readonly raw_config: string };
}

export interface OldDump {
  readonly interface: string;
  readonly peers: readonly OldPeer[];
}

/** Of `/v1/status`: the interfaces that run. */
export interface OldStatus {
  readonly wireguard: { readonly interfaces: Readonly<Record<string, unknown>> };
}

/** Of `/openapi.json`: which routes this build has, as one version stands for two of them. */
export interface OldRoutes {
  readonly paths: Readonly<Record<string, object>>;
}

const shape = (properties: Readonly<Record<string, object>>): object => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const text = (maxLength: number): object => ({ type: 'string', maxLength });
const orNull = (maxLength: number): object => ({ type: ['string', 'null'], maxLength });
const whole = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const PEER = shape({
  public_key: { type: 'string', pattern: '^[A-Za-z0-9+/]{43}=$' },
  preshared_key: orNull(44),
  endpoint: orNull(128),
  allowed_ips: { type: 'array', maxItems: 100_000, items: text(49) },
  latest_handshake: { ...whole, type: ['integer', 'null'] },
  transfer_rx: whole,
  transfer_tx: whole,
  persistent_keepalive: { type: 'integer', minimum: 0, maximum: 65_535 },
});
const members = (maxProperties: number): object => ({ type: 'object', maxProperties });

export const isOldConfig = validatorOf<OldConfig>(
  shape({ interface: text(15), config: shape({ raw_config: text(4 * 1024 * 1024) }) }),
);
export const isOldDump = validatorOf<OldDump>(
  shape({ interface: text(15), peers: { type: 'array', maxItems: 100_000, items: PEER } }),
);
export const isOldStatus = validatorOf<OldStatus>(shape({ wireguard: shape({ interfaces: members(10_000) }) }));
export const isOldRoutes = validatorOf<OldRoutes>(
  shape({ paths: { ...members(1_000), additionalProperties: { type: 'object' } } }),
);

/** The agent tried and failed (500): nothing says what is left of it. */
export class OldAgentFailed extends AgentFailure {
  readonly outcome = 'failed';

  constructor(message: string) {
    super(message);
    this.name = 'OldAgentFailed';
  }

  failure(): Failure {
    return { kind: 'refused', refusal: refusal('ConfigRefused', `The agent failed: ${this.message}`) };
  }
}

/** There is no file of that interface: 404 with `error`; one with `detail` is a route that this build lacks. */
export class FileAbsent extends AgentFailure {
  readonly outcome = 'not_found';

  constructor() {
    super('there is no configuration file');
  }

  failure(): Failure {
    return { kind: 'refused', refusal: refusal('ConfigRefused', 'The agent has no file of this interface') };
  }
}

const MAX_TEXT = 600;
/** wireguard-go's frame of advice. */
const BANNER = /[│┌└─].*$/;

/**
 * What a 500 says, for people: the whole stderr of wg-quick comes with it, which begins with the commands that it ran; the last lines
 * are why it failed. One line, bounded, without anything that looks like a key.
 */
export function failureText(sent: unknown): string {
  if (typeof sent !== 'string') return 'it does not say why';
  const lines = sent
    .split(/[\r\n]+/)
    .map((line) =>
      line
        .replace(BANNER, '')
        .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
  const [first = '', ...rest] = lines;
  const lead = first.replace(/\[#\].*$/, '').trim();
  const words = rest.filter((line) => !line.startsWith('[#]'));
  // A command that fails without a word is the last one that was begun.
  const last = lines.findLast((line) => line.includes('[#]')) ?? '';
  const why = words.length > 0 ? words : [last.slice(last.indexOf('[#]'))];
  const whole = withoutSecrets([lead, ...why].join(' ')).trim();
  return whole.length <= MAX_TEXT ? whole : `${whole.slice(0, 80)} ... ${whole.slice(85 - MAX_TEXT)}`;
}

/** wg repeats what it does not take: a key with a letter too many is still most of a key. */
const withoutSecrets = (text: string): string =>
  redactKeys(text)
    .replace(/(correct length or format:?)\s*\S+/gi, '$1 [redacted]')
    .replace(/(key\s*=\s*)[^\s'`]+/gi, '$1[redacted]');

/** What an answer of 400 and above stands for; 401 is not among them. */
export function explainOld(response: AgentResponse, origin: string, what: string): AgentFailure {
  const { status, retryAfterMs } = response;
  const body: ErrorBody = parseError(response, origin);
  // Only there it has such words of its own; another agent has come to this address where they stand elsewhere.
  if (status === 404 && typeof body.error === 'string' && what.endsWith('/config')) return new FileAbsent();
  if ((status === 404 || status === 405) && body.detail !== undefined) {
    const text = `The agent at ${origin} has no ${what}: its build is too old; wgnode-agent takes its place without touching the tunnel`;
    return new Unable(refusal('Unsupported', text));
  }
  if (status === 422) {
    const text = `The agent at ${origin} does not take ${fieldsOf(body.detail)} of ${what}`;
    return new Unable(refusal('ConfigRefused', text));
  }
  if (status === 500 && typeof body.error === 'string') return new OldAgentFailed(failureText(body.error));
  if (status === 429 || status >= 500) {
    const text = `The agent at ${origin}, or what stands before it, answers ${what} with ${String(status)}`;
    return new AgentUnreachable('AgentError', text, undefined, retryAfterMs);
  }
  return new AgentUnreachable('ProtocolError', `${origin} answers ${what} with ${String(status)}, which no agent does`);
}

/** The names of the fields alone: what was sent stands beside them, the private key included. */
function fieldsOf(detail: unknown): string {
  const places = (Array.isArray(detail) ? detail : []).flatMap((item: unknown) => {
    const { loc } = (typeof item === 'object' && item !== null ? item : {}) as { readonly loc?: unknown };
    const name: unknown = Array.isArray(loc) ? loc.at(-1) : undefined;
    return typeof name === 'string' && /^[a-z_]{1,32}$/.test(name) ? [name] : [];
  });
  return places.length === 0 ? 'a field' : places.slice(0, 8).join(', ');
}

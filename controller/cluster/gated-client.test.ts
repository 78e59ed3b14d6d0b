import { beforeEach, describe, expect, test } from '@jest/globals';
import { createGate, type Gate } from '../runtime/gate.ts';
import { gated, isApiAway, minding } from './gated-client.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';

const REQUEST: KubeRequest = { method: 'GET', path: '/version' };

let nowMs: number;
let gate: Gate;
let asked: number;
let answer: () => Promise<unknown>;
let client: Pick<KubeClient, 'request'>;
let events: typeof client;
beforeEach(() => {
  [nowMs, asked, answer] = [0, 0, () => Promise.resolve('yes')];
  gate = createGate({ nowMs: () => nowMs, random: () => 1, baseMs: 250, capMs: 4_000 });
  const api: KubeClient = {
    request: <T>() => {
      asked += 1;
      return answer() as Promise<T>;
    },
    lines: () => {
      throw new Error('Nothing is watched through a gate');
    },
    clockOffsetMs: () => 0,
    close: () => Promise.resolve(),
  };
  client = gated(api, gate);
  events = minding(api, gate);
});

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

/** What a request gives: its answer, or the error. */
const outcome = (): Promise<unknown> => client.request(REQUEST).catch((error: unknown) => error);

const AWAY = [
  ...[500, 502, 503, 504, 429, 401].map((status) => new KubeError('GET /x', status, '')),
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ENOTFOUND',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_CONNECT_TIMEOUT',
  ].map(withCode),
  ...[
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ].map(withCode),
];
const ANSWERS = [
  ...[403, 404, 409, 410, 422].map((status) => new KubeError('GET /x', status, '')),
  // An admission webhook of one object that cannot be called.
  ...['PATCH', 'POST'].map((method) => new KubeError(`${method} /x`, 500, 'InternalError')),
  new TypeError('a bug'),
];

describe('C9: an API server that is away', () => {
  test.each(AWAY.map((error) => ({ name: error instanceof KubeError ? String(error.status) : error.message, error })))(
    '($name) is not asked again before the pause is over, by anybody',
    async ({ error }) => {
      answer = () => Promise.reject(error);
      expect(await outcome()).toBe(error);
      for (let index = 0; index < 50; index += 1) {
        const failure = await outcome();
        expect(failure).toMatchObject({ code: 'api_away', retryAfterMs: 250 });
        expect(isApiAway(failure)).toBe(true);
      }
      expect([isApiAway(error), gate.isOpen(), asked]).toEqual([true, false, 1]);
    },
  );

  test('is not away for what minds the gate alone, as that may be limited by itself', async () => {
    answer = () => Promise.reject(new KubeError('POST /events', 429, '', { retryAfterMs: 10_000 }));
    await expect(events.request(REQUEST)).rejects.toMatchObject({ status: 429 });
    expect(gate.isOpen()).toBe(true);
    answer = () => Promise.reject(new KubeError('GET /x', 503, ''));
    await outcome();
    await expect(events.request(REQUEST)).rejects.toMatchObject({ code: 'api_away' });
    expect(asked).toBe(2);
  });

  test('is asked when the pause is over, and open to all as soon as it answers', async () => {
    answer = () => Promise.reject(new KubeError('GET /x', 503, ''));
    await outcome();
    nowMs = 250;
    answer = () => Promise.resolve('back');
    expect([await outcome(), await outcome(), gate.isOpen()]).toEqual(['back', 'back', true]);
  });

  test('that asks for a pause is given it', async () => {
    answer = () => Promise.reject(new KubeError('GET', 429, '', { retryAfterMs: 9_000 }));
    await outcome();
    expect(gate.waitMs()).toBe(9_000);
  });
});

test.each(ANSWERS.map((error) => ({ name: error.message, error })))(
  'an answer that is only no for this one request closes nothing: $name',
  async ({ error }) => {
    answer = () => Promise.reject(error);
    expect(await outcome()).toBe(error);
    expect([gate.isOpen(), isApiAway(error)]).toEqual([true, false]);
  },
);

test('an answer that is no opens the gate all the same: the server is there', async () => {
  gate.failed(0);
  nowMs = 250;
  answer = () => Promise.reject(new KubeError('GET', 404, 'NotFound'));
  await outcome();
  expect(gate.isOpen()).toBe(true);
});

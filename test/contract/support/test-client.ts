import './one-error.ts';
import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import { type AgentClient, createAgentClient } from '../../../controller/drivers/wgnode/agent-client.ts';
import { AgentUnreachable } from '../../../controller/drivers/http/agent-failure.ts';
import { AgentRefused } from '../../../controller/drivers/wgnode/agent-refused.ts';
import type { AgentTlsOptions } from '../../../controller/drivers/http/connector.ts';
import { createUrlGuard, type UrlGuard } from '../../../controller/drivers/http/url-guard.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { newSecretText } from '../../support/canary.ts';

export const LOOPBACK_GUARD = createUrlGuard({ allow: ['127.0.0.0/8'], deny: [] });

export interface TestClient extends AgentClient {
  /** `operation outcome` of every call so far. */
  readonly outcomes: readonly string[];
}

export interface TestClientOptions {
  readonly origin: string;
  readonly hmacKey?: Secret;
  readonly tls?: Partial<AgentTlsOptions>;
  readonly guard?: UrlGuard;
  readonly now?: () => number;
}

/** The real client, allowed to connect to loopback. */
export function newClient(options: TestClientOptions): TestClient {
  const { origin, hmacKey = new Secret(newSecretText()), tls = {}, guard = LOOPBACK_GUARD, now = Date.now } = options;
  const outcomes: string[] = [];
  const none = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, pins: [] };
  const client = createAgentClient({
    address: { origin, hmacKeys: [hmacKey], tls: { ...none, ...tls } },
    guard,
    now,
    called: (operation, outcome, seconds) => {
      expect(seconds).toBeGreaterThanOrEqual(0);
      outcomes.push(`${operation} ${outcome}`);
    },
  });
  return {
    outcomes,
    get certificateNotAfterMs() {
      return client.certificateNotAfterMs;
    },
    health: (call) => client.health(call),
    readConfig: (name, etag, call) => client.readConfig(name, etag, call),
    dump: (name, call) => client.dump(name, call),
    putConfig: (name, body, call) => client.putConfig(name, body, call),
    setState: (name, verb, call) => client.setState(name, verb, call),
    remove: (name, call) => client.remove(name, call),
    close: () => client.close(),
  };
}

/** Options of a call with a deadline that no test should meet. */
export const patient = (timeoutMs = 60_000): { timeoutMs: number; signal: AbortSignal } => ({
  timeoutMs,
  signal: new AbortController().signal,
});

// Control, format and separator characters: none of them may reach a status or an event.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** The failure of a call, after the checks that every failure's text must pass. */
export async function failureOf(call: Promise<unknown>): Promise<AgentUnreachable | AgentRefused> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AgentUnreachable) && !(error instanceof AgentRefused)) {
    throw new Error(`Wanted a failure of the client, got ${error === undefined ? 'success' : inspect(error)}`);
  }
  expect(error.message).not.toMatch(UNPRINTABLE);
  expect(error.message.length).toBeLessThanOrEqual(1_200);
  return error;
}

/** How far the call came. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  const error = await failureOf(call);
  return error instanceof AgentUnreachable ? error.reason : `refused: ${error.agentCode}`;
}

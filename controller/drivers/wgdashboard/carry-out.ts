import { refusal } from '../../policy/refusal.ts';
import { pause, systemClock } from '../../runtime/clock.ts';
import type { Applied, CallOptions } from '../driver.ts';
import { AgentFailure, AgentUnreachable, Unable } from '../http/agent-failure.ts';
import { listOf, unionText } from './keep-peers.ts';
import { OldAgentFailed } from './old-answers.ts';
import type { OldClient } from './old-client.ts';
import { type Action, bodyOf } from './plan-change.ts';
import type { Reading } from './reading.ts';
import { isAsDesired, lostPeers } from './same-reading.ts';
import { undo } from './undo.ts';
import type { Work } from './work.ts';

/** How it ended; `after`: read then, with every peer there. */
export type End =
  | { readonly kind: 'done'; readonly outageMs: number; readonly after: Reading; readonly warnings: readonly string[] }
  | Extract<Applied, { readonly kind: 'failed' }>;

/** How long an agent that fell silent in the middle of a change is waited for at least: its hooks block it as a whole. */
const SILENCE_MS = 60_000;
const ASK_AGAIN_MS = 1_000;
/** Of the one call that is still made when the controller ends. */
const LAST_CALL_MS = 5_000;

/**
 * Makes the calls of a change, one after the other, and reads what came of them: a 200 says no more than that something was written.
 * What fails is undone. A call without an answer is not repeated: the host is read until it answers, and what is there decides.
 */
export async function carryOut(client: OldClient, work: Work): Promise<End> {
  const began = performance.now();
  const warnings: string[] = [];
  const { options } = work;
  for (const [index, action] of work.actions.entries()) {
    try {
      warnings.push(...(await make(client, work, { action, options })));
    } catch (error) {
      if (!(error instanceof AgentFailure)) throw error;
      // A refusal of the first call has touched nothing; one in the middle of a change leaves half of it.
      if (index === 0 && (error instanceof Unable || isNeverArrived(error))) throw error;
      if (!(error instanceof AgentUnreachable)) return failed(client, work, { action, message: error.message });
      const settled = await afterSilence(client, work, { action, error });
      if (settled !== undefined) return settled;
      break;
    }
  }
  const isOutage = work.before.peers !== undefined && work.actions.some((action) => action !== 'keep-peers');
  const outageMs = isOutage ? Math.round(performance.now() - began) : 0;
  const after = await work.read(options);
  const lost = lostPeers(work.before, after);
  if (lost.length === 0) return { kind: 'done', outageMs, after, warnings };
  const message = `The agent says success, but peers are gone: ${listOf(lost)}`;
  return { kind: 'failed', restored: false, message };
}

const NEVER_ARRIVED = new Set(['DNSFailed', 'TLSFailed', 'SignatureRejected', 'ClockSkew', 'URLNotAllowed']);

const isNeverArrived = (error: AgentFailure): boolean =>
  error instanceof AgentUnreachable && NEVER_ARRIVED.has(error.reason);

interface Making {
  readonly action: Action;
  readonly options: CallOptions;
}

/** Returns what a person should know. */
async function make(client: OldClient, work: Work, { action, options }: Making): Promise<string[]> {
  const { desired, before } = work;
  switch (action) {
    case 'enable':
      await client.setState('enable', options);
      return [];
    case 'disable':
      return disable(client, work, options);
    case 'put': {
      const body = bodyOf(desired.config);
      if (body === undefined) throw new Unable(refusal('InvalidKey', 'The private key is not known here'));
      await client.put(body, options);
      return [];
    }
    case 'keep-peers':
      await client.syncConf(unionText(before.file ?? desired.config, before), options);
      return [];
  }
}

/** A PostDown that fails comes after the device is gone: then it is down, and that is told. */
async function disable(client: OldClient, { read }: Work, options: CallOptions): Promise<string[]> {
  try {
    await client.setState('disable', options);
    return [];
  } catch (error) {
    if (!(error instanceof OldAgentFailed) || (await read(options)).peers !== undefined) throw error;
    return [`It is down, but a hook failed: ${error.message}`];
  }
}

interface Failing {
  readonly action: Action;
  readonly message: string;
}

async function failed(client: OldClient, work: Work, { action, message }: Failing): Promise<End> {
  const options = { ...work.options, signal: new AbortController().signal };
  const { restored, note } = await undo(client, work, { options, wasKeeping: action === 'keep-peers' });
  return { kind: 'failed', restored, message: note === '' ? message : `${message}. ${note}` };
}

interface Silent {
  readonly action: Action;
  readonly error: AgentUnreachable;
}

/** What a call without an answer has come to. Undefined = all is as desired. Throws the silence where it lasts. */
async function afterSilence(client: OldClient, work: Work, silent: Silent): Promise<End | undefined> {
  try {
    return await settled(client, work, silent);
  } finally {
    // A controller that ends leaves no tunnel down that ran.
    if (work.options.signal.aborted) await lastCall(client, work);
  }
}

async function settled(client: OldClient, work: Work, { action, error }: Silent): Promise<End | undefined> {
  const { options, before, desired } = work;
  if (options.signal.aborted) throw error;
  const now = await untilRead(work, error);
  // Nobody can say whether what runs has the file that is there: a start is one that has.
  if (action === 'put' && now.peers !== undefined && isAsDesired({ ...desired, state: 'up' }, now)) {
    await client.setState('disable', options).catch(ignoreFailure);
    await client.setState('enable', options).catch(ignoreFailure);
  } else if (action === 'keep-peers') {
    await client.syncConf(unionText(before.file ?? desired.config, before), options).catch(ignoreFailure);
  }
  if (isAsDesired(desired, await work.read(options))) return undefined;
  return failed(client, work, { action, message: `${error.message}, in the middle of a change` });
}

function ignoreFailure(error: unknown): void {
  if (!(error instanceof OldAgentFailed)) throw error;
}

async function lastCall(client: OldClient, { desired }: Work): Promise<void> {
  if (desired.state === 'down') return;
  const options = { timeoutMs: LAST_CALL_MS, signal: new AbortController().signal };
  await client.setState('enable', options).catch(() => undefined);
}

async function untilRead({ options, read }: Work, silence: AgentUnreachable): Promise<Reading> {
  const end = performance.now() + Math.max(SILENCE_MS, options.timeoutMs);
  for (;;) {
    try {
      return await read(options);
    } catch (error) {
      if (!(error instanceof AgentUnreachable)) throw error;
      if (performance.now() > end || options.signal.aborted) throw silence;
      await pause(systemClock, ASK_AGAIN_MS, options.signal);
    }
  }
}

import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import { changedFields, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { documentText, peerKeys } from '../../../agent/protocol/wgquick/document.ts';
import { refusal } from '../../policy/refusal.ts';
import type { Applied, CallOptions } from '../driver.ts';
import { Unable } from '../http/agent-failure.ts';
import { unionText } from './keep-peers.ts';
import { OldAgentFailed } from './old-answers.ts';
import type { OldClient } from './old-client.ts';
import { type Action, bodyOf, isExpressible } from './plan-change.ts';
import type { Reading } from './reading.ts';

/** A change that was planned. */
export interface Work {
  readonly before: Reading;
  readonly desired: DesiredInterface;
  readonly actions: readonly Action[];
  readonly canDelete: boolean;
  readonly options: CallOptions;
  /** Reads the host as it is now. */
  readonly read: () => Promise<Reading>;
}

/** How it ended; `after`: read then, with every peer there. */
export type End =
  | { readonly kind: 'done'; readonly outageMs: number; readonly after: Reading }
  | Extract<Applied, { readonly kind: 'failed' }>;

/**
 * Makes the calls of a change, one after the other, and reads what came of them: a 200 says no more than that something was written.
 * What fails is undone. A call without an answer ends it where it is: nothing is repeated before the host was read again.
 */
export async function carryOut(client: OldClient, work: Work): Promise<End> {
  const began = performance.now();
  try {
    for (const action of work.actions) await make(client, work, action);
  } catch (error) {
    if (!(error instanceof OldAgentFailed)) throw error;
    const restored = await restore(client, work);
    return { kind: 'failed', restored, message: restored ? error.message : `${error.message}. ${NOT_RESTORED}` };
  }
  const isOutage = work.before.peers !== undefined && work.actions.some((action) => typeof action === 'string');
  const outageMs = isOutage ? Math.round(performance.now() - began) : 0;
  const after = await work.read();
  const lost = lostPeers(work.before, after);
  if (lost.length === 0) return { kind: 'done', outageMs, after };
  const message = `The agent says success, but peers are gone: ${lost.slice(0, 3).join(', ')}${lost.length > 3 ? ' and more' : ''}`;
  return { kind: 'failed', restored: false, message };
}

const NOT_RESTORED = 'The former interface could not be brought back';

async function make(client: OldClient, { desired, before, options }: Work, action: Action): Promise<void> {
  switch (action) {
    case 'disable':
    case 'enable':
      return client.setState(action, options);
    case 'put':
      return put(client, desired.config, options);
    default: {
      const from = action.from === 'file' ? before.file : desired.config;
      return client.syncConf(unionText(from ?? desired.config, before), options);
    }
  }
}

async function put(client: OldClient, config: InterfaceConfig, options: CallOptions): Promise<void> {
  const body = bodyOf(config);
  if (body === undefined) throw new Unable(refusal('InvalidKey', 'The private key is not known here'));
  await client.put(body, options);
}

const keysIn = ({ document = [], peers = [] }: Reading): Set<string> =>
  new Set([...peerKeys(document), ...peers.map(({ public_key: key }) => key)]);

/** Public keys of peers that were in file or kernel, and are not in all that there is now. */
function lostPeers(before: Reading, after: Reading): string[] {
  const inFile = new Set(peerKeys(after.document ?? []));
  const running = after.peers === undefined ? undefined : new Set(after.peers.map(({ public_key: key }) => key));
  return [...keysIn(before)].filter((key) => !inFile.has(key) || running?.has(key) === false);
}

/** Brings the former interface back, and says whether a read shows it. The agent itself leaves it down, and not always with its file. */
async function restore(client: OldClient, work: Work): Promise<boolean> {
  try {
    await bringBack(client, work);
    return isAsBefore(work.before, await work.read());
  } catch (error) {
    if (error instanceof OldAgentFailed) return false;
    throw error;
  }
}

async function bringBack(client: OldClient, { before, canDelete, options, read }: Work): Promise<void> {
  const now = await read();
  if (before.file === undefined) {
    if (before.peers === undefined && canDelete) await client.remove(options);
    return;
  }
  if (textOf(now) !== textOf(before)) {
    if (now.peers !== undefined) await client.setState('disable', options);
    if (isExpressible(before.file)) await put(client, before.file, options);
  }
  await client.setState(before.peers === undefined ? 'disable' : 'enable', options);
}

const textOf = ({ document }: Reading): string | undefined =>
  document === undefined ? undefined : documentText(document);

function isAsBefore(before: Reading, now: Reading): boolean {
  const isUpAsBefore = (before.peers === undefined) === (now.peers === undefined);
  if (before.file === undefined || now.file === undefined) return isUpAsBefore && before.file === now.file;
  return isUpAsBefore && changedFields(before.file, now.file).length === 0 && lostPeers(before, now).length === 0;
}

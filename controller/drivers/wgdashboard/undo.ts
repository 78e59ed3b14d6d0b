import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { fieldOf, pathOf } from '../../../agent/protocol/wgquick/fields.ts';
import type { CallOptions } from '../driver.ts';
import { AgentFailure, AgentUnreachable } from '../http/agent-failure.ts';
import { droppedComments, listOf, unionText } from './keep-peers.ts';
import type { OldClient } from './old-client.ts';
import { bodyOf, inexpressible } from './plan-change.ts';
import { isAsBefore, lostPeers, textOf } from './same-reading.ts';
import type { Work } from './work.ts';

/** How an undo ended: what is not as it was, in words; empty = all is, and proven. */
export interface Undone {
  readonly restored: boolean;
  readonly note: string;
}

/** A call that may fail without ending the undo: what counts is what is read in the end. */
async function tried(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof AgentFailure) || error instanceof AgentUnreachable) throw error;
  }
}

/**
 * Brings the former interface back. The agent itself leaves it down after a failure, and not always with its file. `wasKeeping`: it was the
 * call for the peers that failed, which may have left the device half done.
 */
export async function undo(
  client: OldClient,
  work: Work,
  { options, wasKeeping }: { readonly options: CallOptions; readonly wasKeeping: boolean },
): Promise<Undone> {
  const { before, canDelete } = work;
  const found = await work.read(options);
  if (!wasKeeping && textOf(found) === textOf(before) && isAsBefore(before, found)) return { restored: true, note: '' };
  const previous = previousOf(work);
  const isRewritten = textOf(found) !== textOf(before);
  if (before.file === undefined && before.peers === undefined) {
    if (canDelete) await tried(client.remove(options));
  } else {
    const wasDown = before.peers === undefined;
    if (found.peers !== undefined && (isRewritten || wasKeeping)) await tried(client.setState('disable', options));
    const body = bodyOf(previous.config);
    if (isRewritten && body !== undefined) await tried(client.put(body, options));
    await tried(client.setState(wasDown ? 'disable' : 'enable', options));
    if (before.file === undefined && !wasDown && before.peers.length > 0)
      await tried(client.syncConf(unionText(previous.config, before), options));
  }
  const now = await work.read(options);
  const restored = isAsBefore(before, now);
  const lost = lostPeers(before, now);
  const notes = [
    ...(restored ? [] : ['The former interface could not be brought back as it was']),
    ...(lost.length === 0 ? [] : [`gone are the peers ${listOf(lost)}`]),
    ...(isRewritten && previous.missing.length > 0
      ? [`the agent cannot write ${previous.missing.join(', ')} again`]
      : []),
    ...(isRewritten && droppedComments(before.document ?? []) > 0 ? ['comments outside of peers are gone'] : []),
  ];
  return { restored, note: notes.join('; ') };
}

interface Previous {
  readonly config: InterfaceConfig;
  /** Paths of what a PUT cannot write again. */
  readonly missing: readonly string[];
}

/** The former interface part, as far as a PUT can write it; of what ran without a file the desired one without its hooks. */
function previousOf({ before: { file }, desired }: Work): Previous {
  if (file === undefined) return { config: withoutHooks(desired.config), missing: [] };
  const names = inexpressible(file);
  const absent = Object.fromEntries(names.map((name) => [name, fieldOf(name).absent]));
  return { config: { ...file, ...absent, invalid: {} }, missing: names.map(pathOf) };
}

/** What may be written of an interface whose hooks may fail. */
function withoutHooks(config: InterfaceConfig): InterfaceConfig {
  const { preUp, postUp, preDown, postDown } = EMPTY_CONFIG;
  return { ...config, preUp, postUp, preDown, postDown };
}

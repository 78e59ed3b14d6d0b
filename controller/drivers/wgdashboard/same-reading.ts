import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import { changedFields } from '../../../agent/protocol/wgquick/config.ts';
import { documentText, peerKeys } from '../../../agent/protocol/wgquick/document.ts';
import { fieldsToChange } from './plan-change.ts';
import type { Reading } from './reading.ts';

const filePeers = ({ document = [] }: Reading): ReadonlySet<string> => new Set(peerKeys(document));
const runningPeers = ({ peers = [] }: Reading): ReadonlySet<string> => new Set(peers.map(({ public_key: key }) => key));

/**
 * Public keys of peers that are gone: from the file that had them, or that ran and now neither run nor, where the interface is down, stand in
 * the file. What stood in the file and never came to the kernel (a peer with the interface's own key) is none of them.
 */
export function lostPeers(before: Reading, after: Reading): string[] {
  const [inFile, running] = [filePeers(after), runningPeers(after)];
  const isThere = (key: string): boolean => (after.peers === undefined ? inFile : running).has(key);
  const gone = [
    ...[...filePeers(before)].filter((key) => !inFile.has(key)),
    ...[...runningPeers(before)].filter((key) => !isThere(key)),
  ];
  return [...new Set(gone)];
}

export const textOf = ({ document }: Reading): string | undefined =>
  document === undefined ? undefined : documentText(document);

/** Whether file, state and peers are as they were. */
export function isAsBefore(before: Reading, now: Reading): boolean {
  const isUpAsBefore = (before.peers === undefined) === (now.peers === undefined);
  const isSameFile =
    before.file === undefined || now.file === undefined
      ? before.file === now.file
      : changedFields(before.file, now.file).length === 0;
  return isUpAsBefore && isSameFile && lostPeers(before, now).length === 0;
}

/** Whether file and state are as desired; of the kernel's values nobody can say. */
export const isAsDesired = ({ config, state }: DesiredInterface, now: Reading): boolean =>
  now.file !== undefined && fieldsToChange(config, now).length === 0 && (state === 'up') === (now.peers !== undefined);

import { createHash } from 'node:crypto';
import type { ObservedInterface } from '../../../agent/protocol/compare.ts';
import { InterfaceKey } from '../../../agent/protocol/interface-key.ts';
import type { InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { type Document, interfaceOf, parseUnshared } from '../../../agent/protocol/wgquick/document.ts';
import { HOOK_NAMES } from '../../../agent/protocol/wgquick/fields.ts';
import type { AgentIdentity, Observation } from '../../policy/observation.ts';
import type { OldPeer } from './old-answers.ts';

/** What was read of one interface: the text of its file, and the peers that run. Both hold keys: nothing of it is kept. */
export interface Reading {
  /** Undefined = there is no file. */
  readonly document: Document | undefined;
  /** The interface part of the file, its private key included; undefined = there is no file. */
  readonly file: InterfaceConfig | undefined;
  /** Undefined = the interface does not run. */
  readonly peers: readonly OldPeer[] | undefined;
  /** Moves with the file, with up or down, and with the set of peers. */
  readonly revision: string;
}

export function readingOf(text: string | undefined, peers: readonly OldPeer[] | undefined): Reading {
  const document = text === undefined ? undefined : parseUnshared(text);
  const file = document === undefined ? undefined : withCorruption(interfaceOf(document));
  const keys = peers?.map(({ public_key: key }) => key).sort() ?? null;
  const revision = createHash('sha256')
    .update(JSON.stringify([text ?? null, keys]))
    .digest('base64url');
  return { document, file, peers, revision };
}

const CORRUPTED = 'corrupted by `wg-quick save` of the agent, which writes `[Interface]` for every `&`';

/** What `wg-quick save` makes of a hook with `&` is no text that anybody wrote (bash 5.2 and later). */
function withCorruption(config: InterfaceConfig): InterfaceConfig {
  const broken = HOOK_NAMES.filter((name) => config[name].some((hook) => /\[Interface\]\s*$/i.test(hook)));
  if (broken.length === 0) return config;
  const texts = Object.fromEntries(broken.map((name) => [name, [...(config.invalid[name] ?? []), CORRUPTED]]));
  return { ...config, invalid: { ...config.invalid, ...texts } };
}

/** What cannot be had of this agent, in words for a person; `canDelete`: of this build. */
const limitsOf = (canDelete: boolean): string[] => [
  'no live change: every change of a running interface takes it down and up',
  'no values of the kernel: what runs is known by up or down and by its peers alone',
  'no preUp, postDown, fwMark or firewall',
  'several hooks of a kind are one line, joined by "; "',
  'a change drops the comments outside of peers, and what no field of the spec stands for',
  'no owner: it does not remember whose an interface is',
  'no confirmation, and an undo by the controller alone',
  ...(canDelete ? [] : ['no removal: this build cannot delete an interface']),
];

/** Who answers, for status. */
export const identityOf = (
  version: string,
  canDelete: boolean,
  certificateNotAfterMs: number | undefined,
): AgentIdentity => ({
  ...{ name: 'WGDashboard node agent', version, epoch: undefined, certificateNotAfterMs },
  capabilities: canDelete ? ['delete'] : [],
  limits: limitsOf(canDelete),
});

/** A reading in the words of the domain: keys by their public halves, and of the device no more than that there is one. */
export function observationOf(agent: AgentIdentity, { file, peers, revision }: Reading): Observation {
  const observed: ObservedInterface = {
    file: file === undefined ? null : { ...file, privateKey: publicHalf(file) },
    device: peers === undefined ? null : 'unseen',
    running: null,
    settled: [],
  };
  return {
    ...{ agent, interface: observed, reported: [], owner: undefined },
    peerCount: peers?.length ?? null,
    revision,
  };
}

const publicHalf = ({ privateKey }: InterfaceConfig): InterfaceKey | null =>
  privateKey === null ? null : InterfaceKey.fromPublic(privateKey.publicKey);

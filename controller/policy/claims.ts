import type { Owner } from '../../agent/protocol/owner.ts';
import { conditionOf } from '../api/conditions.ts';
import { isSameAgent, keyOf, TAKE_OVER, tokenOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { OperatorPolicy, Conflicting } from './input.ts';
import { type Refusal, refusal } from './refusal.ts';

/** Whose an interface is, as far as one object is concerned. */
export type Ownership =
  /** The object may have it; `replaces`: the id of the owner that it takes it from. `isRecorded`: the host says that it has it. */
  | { readonly kind: 'own'; readonly isRecorded: boolean; readonly replaces: string | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What ownership is judged from. */
export interface OwnershipInput {
  readonly node: WireGuardNode;
  /** As the host says; null = nobody's, undefined = its agent does not tell. */
  readonly owner: Owner | null | undefined;
  readonly conflicting: Conflicting;
  readonly policy: Pick<OperatorPolicy, 'showOtherNamespaces' | 'cluster'>;
}

/** Reasons of Reachable by which an object cannot sign; that the key of its interface is away takes no claim from it. */
const WITHOUT_CREDENTIALS = new Set(['SecretNotFound', 'SecretForbidden', 'InvalidCredentials', 'SignatureRejected']);

/** Whether an object wants to have its interface at all: one that waits, only looks, goes, or cannot sign claims nothing. */
export function isClaiming({ metadata, spec, status }: WireGuardNode): boolean {
  const isActive = metadata.deletionTimestamp === undefined && !spec.suspend && spec.management.mode === 'Enforce';
  return isActive && !WITHOUT_CREDENTIALS.has(conditionOf(status.conditions, 'Reachable')?.reason ?? '');
}

/** Whether the object was applied to the agent that it names now. */
export const wasApplied = ({ spec, status }: WireGuardNode): boolean =>
  isSameAgent(status.applied?.url, spec.agent.url);

/** Whose the interface is: what the host remembers counts; where it remembers nothing, who was applied there, else the oldest. */
export function ownershipOf({ node, owner, conflicting, policy }: OwnershipInput): Ownership {
  // A take-over also overrules a later leader of a cluster that was restored since.
  if (owner?.id === node.metadata.uid)
    return { kind: 'own', isRecorded: true, replaces: openTakeOver(node) === undefined ? undefined : owner.id };
  if (owner === null || owner === undefined) {
    const winner = conflicting.accepted.filter(isClaiming).find((other) => precedes(other, node));
    if (winner === undefined) return { kind: 'own', isRecorded: false, replaces: undefined };
    return held(node, { name: keyOf(winner), since: winner.metadata.creationTimestamp }, policy);
  }
  const taken = { kind: 'own', isRecorded: false, replaces: owner.id } as const;
  if (isElsewhere(owner, policy.cluster))
    return openTakeOver(node) === undefined ? foreign(node, owner, policy) : taken;
  const holder = conflicting.byUid(owner.id);
  const isHeld = holder !== undefined && isClaiming(holder) && holder.spec.interface.name === node.spec.interface.name;
  return isHeld ? held(node, owner, policy) : taken;
}

/** A cluster that is not known is taken for this one: its objects are looked for here, and are not there. */
const isElsewhere = (owner: Owner, cluster: string): boolean =>
  owner.cluster !== '' && cluster !== '' && owner.cluster !== cluster;

/** The token of a take-over that was not carried out yet, or undefined. */
export function openTakeOver({ metadata, status }: WireGuardNode): string | undefined {
  const token = tokenOf(metadata.annotations?.[TAKE_OVER]);
  return token === undefined || token === status.lastHandledTakeOver ? undefined : token;
}

function precedes(other: WireGuardNode, node: WireGuardNode): boolean {
  const [theirs, own] = [wasApplied(other), wasApplied(node)];
  if (theirs !== own) return theirs;
  const [a, b] = [other.metadata, node.metadata];
  return a.creationTimestamp === b.creationTimestamp ? a.uid < b.uid : a.creationTimestamp < b.creationTimestamp;
}

/** Objects of other namespaces are not named to those who may not see them. */
function nameFor({ metadata }: WireGuardNode, name: string, showOtherNamespaces: boolean): string {
  return showOtherNamespaces || name.startsWith(`${metadata.namespace}/`)
    ? `the object ${name}`
    : 'an object of another namespace';
}

type Holder = Pick<Owner, 'name' | 'since'>;

function held(node: WireGuardNode, { name, since }: Holder, policy: OwnershipInput['policy']): Ownership {
  const who = nameFor(node, name, policy.showOtherNamespaces);
  const text = `${node.spec.interface.name} of this host belongs to ${who} since ${since}; it is free once that object is deleted, suspended or observing`;
  return { kind: 'refused', refusal: refusal('Conflict', text) };
}

function foreign(node: WireGuardNode, { name, cluster, since }: Owner, policy: OwnershipInput['policy']): Ownership {
  const who = nameFor(node, name, policy.showOtherNamespaces);
  const text = `${node.spec.interface.name} of this host belongs to ${who} in another cluster (${cluster}) since ${since}; a new value of the annotation ${TAKE_OVER} takes it over`;
  return { kind: 'refused', refusal: refusal('Conflict', text) };
}

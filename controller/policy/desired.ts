import { createHash } from 'node:crypto';
import type { DesiredInterface } from '../../agent/protocol/compare.ts';
import { InterfaceKey, parsePrivateKey } from '../../agent/protocol/interface-key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import type { FieldName } from '../../agent/protocol/wgquick/fields.ts';
import { memoized } from '../../agent/protocol/memoized.ts';
import { configFromResource } from '../../agent/protocol/wgquick/resource.ts';
import type { InterfaceSpec, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { isSameAgent } from '../api/node.ts';
import type { KeyRead, SecretRead } from './input.ts';

/** What the host shall have, from the object and its Secrets. */
export interface Desired extends DesiredInterface {
  /** Of the interface. */
  readonly name: string;
  /** Of the private key; empty = it is not compared. */
  readonly publicKey: string;
  /** SHA-256 of the interface part of the spec; says whether the spec moved on since the last apply. */
  readonly specHash: string;
}

/** Every field of the file is a property of the resource: a row of the table without one does not compile here. */
type Resource = Exclude<FieldName, 'privateKey' | keyof InterfaceSpec> extends never ? InterfaceSpec : never;

/** The interface part as the agent's model has it; its key is open. */
export const configOf = memoized((spec: Resource): InterfaceConfig => configFromResource(spec, undefined));

/** The private key of the Secret, without the newline that `wg genkey > file` leaves; undefined when there is none. */
export function privateKeyOf(node: WireGuardNode, read: SecretRead): Secret | undefined {
  if (read.kind !== 'found') return undefined;
  const value = read.data.get(node.spec.interface.privateKeySecretRef.key);
  return value === undefined ? undefined : new Secret(value.reveal().trim());
}

/** What a Secret says of the private key: its public half alone. */
export function keyReadOf(node: WireGuardNode, read: SecretRead): KeyRead {
  if (read.kind !== 'found') return read;
  const value = privateKeyOf(node, read);
  if (value === undefined) return { kind: 'no-entry' };
  const key = parsePrivateKey(value.reveal());
  return key === undefined ? { kind: 'no-key' } : { kind: 'found', key: InterfaceKey.fromPublic(key.publicKey) };
}

/** Needs an input that passed every check. `key` null = nobody may know it, and it is not compared. */
export function desired(node: WireGuardNode, key: InterfaceKey | null): Desired {
  const { interface: spec } = node.spec;
  return {
    config: { ...configOf(spec), privateKey: key },
    name: spec.name,
    publicKey: key?.publicKey ?? '',
    state: spec.state === 'Up' ? 'up' : 'down',
    specHash: hashOf(spec),
  };
}

/** Whether the spec wants something else than what was applied last; before the first apply it does not. */
export const specMoved = ({ spec, status: { applied } }: WireGuardNode): boolean =>
  applied !== undefined && (applied.specHash !== hashOf(spec.interface) || !isSameAgent(applied.url, spec.agent.url));

/** Object keys in one order, so that equal specs have equal hashes. A spec is asked for at every look, and never changes in place. */
const hashOf = memoized((value: InterfaceSpec): string => {
  const sorted = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort())
      : part,
  );
  return createHash('sha256').update(sorted).digest('hex');
});

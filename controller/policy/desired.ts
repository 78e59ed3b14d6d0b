import { createHash } from 'node:crypto';
import type { DesiredInterface } from '../../agent/protocol/compare.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import type { FieldName } from '../../agent/protocol/wgquick/fields.ts';
import { configFromResource } from '../../agent/protocol/wgquick/resource.ts';
import type { InterfaceSpec, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { SecretRead } from './input.ts';

/** What the host shall have, from the object and its Secrets. */
export interface Desired extends DesiredInterface {
  /** Of the interface. */
  readonly name: string;
  /** Of the private key. */
  readonly publicKey: string;
  /** SHA-256 of the interface part of the spec; says whether the spec moved on since the last apply. */
  readonly specHash: string;
}

/** Every field of the file is a property of the resource: a row of the table without one does not compile here. */
type Resource = Exclude<FieldName, 'privateKey' | keyof InterfaceSpec> extends never ? InterfaceSpec : never;

/** The interface part as the agent's model has it. `privateKey` undefined leaves it open. */
export const configOf = (spec: Resource, privateKey: Secret | undefined): InterfaceConfig =>
  configFromResource(spec, privateKey?.reveal());

/** The private key of the Secret, without the newline that `wg genkey > file` leaves; undefined when there is none. */
export function privateKeyOf(node: WireGuardNode, read: SecretRead): Secret | undefined {
  if (read.kind !== 'found') return undefined;
  const value = read.data.get(node.spec.interface.privateKeySecretRef.key);
  return value === undefined ? undefined : new Secret(value.reveal().trim());
}

/** Needs an input that passed every check. */
export function desired(node: WireGuardNode, privateKey: Secret): Desired {
  const { interface: spec } = node.spec;
  const config = configOf(spec, privateKey);
  return {
    config,
    name: spec.name,
    publicKey: config.privateKey?.publicKey ?? '',
    state: spec.state === 'Up' ? 'up' : 'down',
    specHash: hashOf(spec),
  };
}

/** Whether the spec wants something else than what was applied last; before the first apply it does not. */
export const specMoved = ({ spec, status: { applied } }: WireGuardNode): boolean =>
  applied !== undefined && (applied.specHash !== hashOf(spec.interface) || applied.url !== spec.agent.url);

/** Object keys in one order, so that equal specs have equal hashes. */
function hashOf(value: InterfaceSpec): string {
  const sorted = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort())
      : part,
  );
  return createHash('sha256').update(sorted).digest('hex');
}

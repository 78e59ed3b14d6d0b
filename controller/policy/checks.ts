import { isPrivateKey } from '../../agent/protocol/key.ts';
import type { Secret } from '../../agent/protocol/secret.ts';
import { validate } from '../../agent/protocol/validate.ts';
import { claimOf, isUrl, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { configOf, type Desired, desired, privateKeyOf } from './desired.ts';
import type { Input, SecretRead } from './input.ts';
import { type Refusal, refusal } from './refusal.ts';

type Check = (input: Input) => Refusal | undefined;

const MIN_HMAC_BYTES = 16;

// What this controller cannot do yet is never skipped in silence.
const unsupported = (what: string): Refusal =>
  refusal('Unsupported', `This version cannot do ${what} yet; nothing is sent to the host`);

const signatureIsSupported: Check = ({ node, policy }) =>
  (node.spec.agent.minSignature ?? policy.minSignature) === 'v1'
    ? undefined
    : unsupported('signature scheme v2 (spec.agent.minSignature)');

const urlIsOne: Check = ({ node }) =>
  isUrl(node.spec.agent.url)
    ? undefined
    : refusal('InvalidSpec', 'spec.agent.url must be a URL: its host is neither a name nor an IP address');

const urlIsAllowed: Check = ({ node, policy }) =>
  node.spec.agent.url.startsWith('https://') || policy.allowHttpAgents
    ? undefined
    : refusal('URLNotAllowed', 'spec.agent.url must be https unless the controller runs with --allow-http-agents');

const isOlder = (left: WireGuardNode, right: WireGuardNode): boolean => {
  const [a, b] = [left.metadata, right.metadata];
  return a.creationTimestamp === b.creationTimestamp ? a.uid < b.uid : a.creationTimestamp < b.creationTimestamp;
};

const nobodyOlderOwnsIt: Check = ({ node, conflicting }) => {
  const owner = conflicting.find((other) => isOlder(other, node));
  return owner === undefined
    ? undefined
    : refusal('Conflict', `${claimOf(node)} belongs to the older object ${keyOf(owner)}`);
};

const secretIsThere = (what: string, name: string, read: SecretRead): Refusal | undefined => {
  if (read.kind === 'missing')
    return refusal('SecretNotFound', `${what}: there is no Secret ${name} in this namespace`);
  if (read.kind === 'forbidden')
    return refusal('SecretForbidden', `${what}: the controller may not read the Secret ${name}; see its RBAC`);
  return undefined;
};

const agentSecretIsThere: Check = ({ node, agentSecret }) =>
  secretIsThere('spec.agent.secretRef', node.spec.agent.secretRef.name, agentSecret);

const agentSecretIsUsable: Check = ({ node, agentSecret }) => {
  if (agentSecret.kind !== 'found') return undefined;
  const { name } = node.spec.agent.secretRef;
  const hmac = agentSecret.data.get('hmac-key');
  if (hmac === undefined) return refusal('InvalidCredentials', `The Secret ${name} must have the key hmac-key`);
  if (Buffer.byteLength(hmac.reveal().trim()) < MIN_HMAC_BYTES) {
    return refusal(
      'InvalidCredentials',
      `hmac-key of the Secret ${name} must be at least ${String(MIN_HMAC_BYTES)} bytes`,
    );
  }
  if (agentSecret.data.has('tls.crt') !== agentSecret.data.has('tls.key')) {
    return refusal('InvalidCredentials', `The Secret ${name} must have both of tls.crt and tls.key, or neither`);
  }
  return undefined;
};

const keySecretIsThere: Check = ({ node, keySecret }) =>
  secretIsThere('spec.interface.privateKeySecretRef', node.spec.interface.privateKeySecretRef.name, keySecret);

const keyIsUsable: Check = ({ node, keySecret }) => {
  const { name, key } = node.spec.interface.privateKeySecretRef;
  const value = privateKeyOf(node, keySecret);
  if (value === undefined) return refusal('InvalidKey', `The Secret ${name} must have the key ${key}`);
  if (isPrivateKey(value.reveal())) return undefined;
  return refusal(
    'InvalidKey',
    `${key} of the Secret ${name} must be a private key as \`wg genkey\` prints it: 44 characters of base64, not all zero`,
  );
};

const valuesAreValid: Check = ({ node, keySecret }) => {
  const problems = validate(configOf(node.spec.interface, privateKeyOf(node, keySecret)));
  const [first] = problems;
  return first === undefined
    ? undefined
    : refusal('InvalidSpec', problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
};

/** What must hold before the agent may be talked to at all. */
const AGENT_CHECKS: readonly Check[] = [
  signatureIsSupported,
  urlIsOne,
  urlIsAllowed,
  agentSecretIsThere,
  agentSecretIsUsable,
];

/** In this order: the first that fails is what the object says. The list reads as the specification. */
const CHECKS: readonly Check[] = [
  signatureIsSupported,
  urlIsOne,
  urlIsAllowed,
  nobodyOlderOwnsIt,
  agentSecretIsThere,
  agentSecretIsUsable,
  keySecretIsThere,
  keyIsUsable,
  valuesAreValid,
];

const firstOf = (checks: readonly Check[], input: Input): Refusal | undefined => {
  for (const each of checks) {
    const found = each(input);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** What passed every check: nothing after it can lack a Secret or a key. */
export interface Ready {
  readonly credentials: ReadonlyMap<string, Secret>;
  readonly desired: Desired;
}

/** A refusal, or what the reconcile goes on with. */
export type Checked =
  { readonly kind: 'refused'; readonly refusal: Refusal } | { readonly kind: 'ready'; readonly ready: Ready };

/** Why nothing may be sent to the host, or what the reconcile works with. */
export function check(input: Input): Checked {
  const { node, agentSecret, keySecret } = input;
  const failed = firstOf(CHECKS, input);
  if (failed !== undefined) return { kind: 'refused', refusal: failed };
  const privateKey = privateKeyOf(node, keySecret);
  if (agentSecret.kind !== 'found' || privateKey === undefined) {
    return { kind: 'refused', refusal: refusal('SecretNotFound', 'A Secret that the object names is not there') };
  }
  return { kind: 'ready', ready: { credentials: agentSecret.data, desired: desired(node, privateKey) } };
}

/** Why the agent may not be talked to, whatever the interface is wanted to be; for deletions. */
export const checkAgent = (input: Input): Refusal | undefined => firstOf(AGENT_CHECKS, input);

import type { Secret } from '../../agent/protocol/secret.ts';
import { memoized } from '../../agent/protocol/memoized.ts';
import { type Problem, validate } from '../../agent/protocol/validate.ts';
import { isUrl } from '../api/node.ts';
import type { InterfaceSpec } from '../api/wireguardnode.generated.ts';
import { credentialProblem } from './credentials.ts';
import { configOf, type Desired, desired } from './desired.ts';
import type { Input, SecretRead } from './input.ts';
import { type Refusal, refusal } from './refusal.ts';

type Check = (input: Input) => Refusal | undefined;

// What this controller cannot do yet is never skipped in silence.
const unsupported = (what: string): Refusal =>
  refusal('Unsupported', `This version cannot do ${what} yet; nothing is sent to the host`);

/** What the CRD takes; one of another version may have let through more, and a lesser scheme than the object asks for is never used. */
const SIGNATURES: readonly string[] = ['v1'];

const signatureIsSupported: Check = ({ node: { spec } }) => {
  const { minSignature = 'v1' } = spec.agent;
  return SIGNATURES.includes(minSignature)
    ? undefined
    : unsupported(`signature scheme ${minSignature} (spec.agent.minSignature)`);
};

const urlIsOne: Check = ({ node }) =>
  isUrl(node.spec.agent.url)
    ? undefined
    : refusal('InvalidSpec', 'spec.agent.url must be a URL: its host is neither a name nor an IP address');

const urlIsAllowed: Check = ({ node, policy }) =>
  node.spec.agent.url.startsWith('https://') || policy.allowHttpAgents
    ? undefined
    : refusal('URLNotAllowed', 'spec.agent.url must be https unless the controller runs with --allow-http-agents');

const secretIsThere = (what: string, name: string, read: Pick<SecretRead, 'kind'>): Refusal | undefined => {
  if (read.kind === 'missing')
    return refusal('SecretNotFound', `${what}: there is no Secret ${name} in this namespace`);
  if (read.kind === 'forbidden')
    return refusal('SecretForbidden', `${what}: the controller may not read the Secret ${name}; see its RBAC`);
  return undefined;
};

const agentSecretIsThere: Check = ({ node, agentSecret }) =>
  secretIsThere('spec.agent.secretRef', node.spec.agent.secretRef.name, agentSecret);

const agentSecretIsUsable: Check = ({ node, agentSecret }) =>
  agentSecret.kind === 'found' ? credentialProblem(node.spec.agent.secretRef.name, agentSecret.data) : undefined;

/** Who only looks compares what it can: without the Secret all but the key. */
const looksWithoutKey = ({ node, key }: Input): boolean =>
  node.spec.management.mode === 'Observe' && (key.kind === 'missing' || key.kind === 'forbidden');

const keyIsUsable: Check = (input) => {
  const { node, key } = input;
  if (looksWithoutKey(input)) return undefined;
  const { name, key: entry } = node.spec.interface.privateKeySecretRef;
  switch (key.kind) {
    case 'found':
      return undefined;
    case 'missing':
    case 'forbidden':
      return secretIsThere('spec.interface.privateKeySecretRef', name, key);
    case 'no-entry':
      return refusal('InvalidKey', `The Secret ${name} must have the key ${entry}`);
    case 'no-key':
      return refusal(
        'InvalidKey',
        `${entry} of the Secret ${name} must be a private key as \`wg genkey\` prints it: 44 characters of base64, not all zero`,
      );
  }
};

/** The key is judged by itself. */
const problemsOf = memoized((spec: InterfaceSpec): readonly Problem[] =>
  validate(configOf(spec)).filter(({ field }) => field !== 'privateKey'),
);

const valuesAreValid: Check = ({ node }) => {
  const problems = problemsOf(node.spec.interface);
  return problems.length === 0
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

/** What must hold before the interface may be compared. */
const INTERFACE_CHECKS: readonly Check[] = [keyIsUsable, valuesAreValid];

/** In the order of the list: the first that fails is what the object says. */
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
  const { node, agentSecret, key } = input;
  const failed = checkAgent(input) ?? firstOf(INTERFACE_CHECKS, input);
  if (failed !== undefined) return { kind: 'refused', refusal: failed };
  if (agentSecret.kind !== 'found') {
    const text = 'A Secret that the object names is not there';
    return { kind: 'refused', refusal: { ...refusal('SecretNotFound', text), isOfAgent: true } };
  }
  const wanted = desired(node, key.kind === 'found' ? key.key : null);
  return { kind: 'ready', ready: { credentials: agentSecret.data, desired: wanted } };
}

/** Why the agent may not be talked to, whatever the interface is wanted to be; for deletions alone it is all that counts. */
export function checkAgent(input: Input): Refusal | undefined {
  const failed = firstOf(AGENT_CHECKS, input);
  return failed === undefined ? undefined : { ...failed, isOfAgent: true };
}

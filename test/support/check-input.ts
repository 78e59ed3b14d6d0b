import { Secret } from '../../agent/protocol/secret.ts';
import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import type { RefusalReason } from '../../controller/api/conditions.ts';
import type { Checked } from '../../controller/policy/checks.ts';
import { keyReadOf } from '../../controller/policy/desired.ts';
import type { Input, OperatorPolicy, SecretRead } from '../../controller/policy/input.ts';
import { nodeWith } from './node-builder.ts';

export const found = (data: Readonly<Record<string, string>>): SecretRead => ({
  kind: 'found',
  data: new Map(Object.entries(data).map(([key, value]) => [key, new Secret(value)])),
});

export const PRIVATE_KEY = Buffer.alloc(32, 7).toString('base64');
export const HMAC_KEY = 'correct horse battery staple';

export const POLICY: OperatorPolicy = {
  allowHttpAgents: false,
  showOtherNamespaces: false,
  cluster: 'cluster-1',
  term: undefined,
};

/** `keySecret`: what the Secret of the private key holds. */
export type InputParts = Partial<Input> & { readonly keySecret?: SecretRead };

export const inputWith = (edit?: (node: WireGuardNode) => void, over: InputParts = {}): Input =>
  inputOf(nodeWith(edit), over);

export const inputOf = (
  node: WireGuardNode,
  { keySecret = found({ privateKey: PRIVATE_KEY }), ...over }: InputParts = {},
): Input => ({
  node,
  agentSecret: found({ 'hmac-key': HMAC_KEY }),
  key: keyReadOf(node, keySecret),
  conflicting: { accepted: [], byUid: () => undefined },
  policy: POLICY,
  ...over,
});

export const nothing = (): void => undefined;
export const anotherNode = (edit: (node: WireGuardNode) => void): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { name: 'another', uid: 'ffffffff-0000-4000-8000-000000000000' });
    edit(node);
  });

/** Why nothing may be sent, or undefined where all is ready. */
export const reasonOf = (checked: Checked): RefusalReason | undefined =>
  checked.kind === 'refused' ? checked.refusal.reason : undefined;

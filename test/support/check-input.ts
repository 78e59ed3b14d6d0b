import { Secret } from '../../agent/protocol/secret.ts';
import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import type { RefusalReason } from '../../controller/api/conditions.ts';
import type { Checked } from '../../controller/policy/checks.ts';
import type { Input, SecretRead } from '../../controller/policy/input.ts';
import { nodeWith } from './node-builder.ts';

export const found = (data: Readonly<Record<string, string>>): SecretRead => ({
  kind: 'found',
  data: new Map(Object.entries(data).map(([key, value]) => [key, new Secret(value)])),
});

export const PRIVATE_KEY = Buffer.alloc(32, 7).toString('base64');
export const HMAC_KEY = 'correct horse battery staple';

export const inputWith = (edit?: (node: WireGuardNode) => void, over: Partial<Input> = {}): Input =>
  inputOf(nodeWith(edit), over);

export const inputOf = (node: WireGuardNode, over: Partial<Input> = {}): Input => ({
  node,
  agentSecret: found({ 'hmac-key': HMAC_KEY }),
  keySecret: found({ privateKey: PRIVATE_KEY }),
  conflicting: [],
  policy: { allowHttpAgents: false, minSignature: 'v1' },
  ...over,
});

export const nothing = (): void => undefined;
export const anotherNode = (edit: (node: WireGuardNode) => void): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { name: 'another', uid: 'ffffffff-0000-4000-8000-000000000000' });
    edit(node);
  });
export const older = anotherNode((node) => {
  node.metadata.creationTimestamp = '2026-01-01T00:00:00Z';
});

/** Why nothing may be sent, or undefined where all is ready. */
export const reasonOf = (checked: Checked): RefusalReason | undefined =>
  checked.kind === 'refused' ? checked.refusal.reason : undefined;

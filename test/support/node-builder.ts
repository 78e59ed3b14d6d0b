import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';

/** A complete and valid WireGuardNode that nobody looked at yet, with `edit` done to it; a fresh one for each call. */
export function nodeWith(edit: (node: WireGuardNode) => void = () => undefined): WireGuardNode {
  const node: WireGuardNode = {
    apiVersion: 'wgnode.dev/v1alpha1',
    kind: 'WireGuardNode',
    metadata: {
      name: 'fra1-wg0',
      namespace: 'edge',
      uid: '0a1b2c3d-0000-4000-8000-000000000000',
      resourceVersion: '7',
      generation: 3,
      creationTimestamp: '2026-01-02T00:00:00Z',
    },
    spec: {
      agent: { url: 'https://fra1.example.net:8443', secretRef: { name: 'fra1-agent' }, timeoutSeconds: 30 },
      interface: { name: 'wg0', state: 'Up', privateKeySecretRef: { name: 'fra1-wg0', key: 'privateKey' } },
      management: {
        mode: 'Enforce',
        maxImpact: 'Restart',
        intervalSeconds: 60,
        deletionPolicy: 'Retain',
        deletionTimeoutSeconds: 300,
      },
      suspend: false,
    },
    status: { observedGeneration: -1, conditions: [] },
  };
  edit(node);
  return node;
}

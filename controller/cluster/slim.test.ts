import { expect, test } from '@jest/globals';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { slimNode, slimSecret } from './slim.ts';

function nodeWith(edit: (node: WireGuardNode) => void = () => undefined): WireGuardNode {
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
        confirmSeconds: 10,
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

test('what the reconcile needs is kept', () => {
  const node = nodeWith(({ metadata }) => {
    metadata.annotations = { 'wgnode.dev/reconcile-requested-at': 'now' };
    metadata.finalizers = ['wgnode.dev/interface'];
    metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
  });
  expect(slimNode(node)).toEqual(node);
});

test('annotations of others, labels and managed fields are not', () => {
  const node = nodeWith(({ metadata }) => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'wgnode.dev.example.com/other': 'x',
      'wgnode.dev/take-over': 'now',
    };
    Object.assign(metadata, { annotations, labels: { app: 'x' }, managedFields: [{ manager: 'kubectl' }] });
  });
  const { metadata } = slimNode(node);
  expect(metadata.annotations).toEqual({ 'wgnode.dev/take-over': 'now' });
  expect(Object.keys(metadata)).not.toContain('labels');
  expect(Object.keys(metadata)).not.toContain('managedFields');
});

test('an object that is not being deleted has no time of its deletion', () => {
  expect(Object.keys(slimNode(nodeWith()).metadata)).not.toContain('deletionTimestamp');
});

test('T14: of a Secret only key and version are kept', () => {
  const secret = { metadata: nodeWith().metadata, data: { privateKey: 'c2VjcmV0' } };
  expect(slimSecret(secret)).toEqual({ key: 'edge/fra1-wg0', resourceVersion: '7' });
});

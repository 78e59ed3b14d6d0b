import { describe, expect, test } from '@jest/globals';
import type { ManagementSpec, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { deletionPlan, hasFinalizer, wantsFinalizer } from './deletion.ts';

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

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');

/** A node that was applied and is being deleted. */
const deletedNode = (
  deletionPolicy: ManagementSpec['deletionPolicy'],
  edit = (_: WireGuardNode): void => undefined,
): WireGuardNode =>
  nodeWith((node) => {
    node.spec.management.deletionPolicy = deletionPolicy;
    node.metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
    node.status.applied = { generation: 3 };
    edit(node);
  });

const rival = nodeWith(({ metadata }) => {
  metadata.uid = 'ffffffff-0000-4000-8000-000000000000';
});

const act = (verb: 'disable' | 'remove') => ({ kind: 'act', verb });
const retained = { kind: 'release', timedOut: false, event: { type: 'Normal', reason: 'Retained' } };
const timedOut = { kind: 'release', timedOut: true, event: { type: 'Warning', reason: 'DeletionTimedOut' } };

describe('deletionPlan', () => {
  test.each([
    { name: 'Disable takes the interface down', node: deletedNode('Disable'), expected: act('disable') },
    { name: 'Remove removes it', node: deletedNode('Remove'), expected: act('remove') },
    { name: 'Retain leaves the host as it is', node: deletedNode('Retain'), expected: retained },
    {
      name: 'a node in mode Observe leaves the host as it is',
      node: deletedNode('Remove', ({ spec }) => {
        spec.management.mode = 'Observe';
      }),
      expected: retained,
    },
    {
      name: 'a suspended node leaves the host as it is',
      node: deletedNode('Remove', ({ spec }) => {
        spec.suspend = true;
      }),
      expected: retained,
    },
    {
      name: 'a node that was never applied leaves the host as it is',
      node: deletedNode('Remove', ({ status }) => {
        delete status.applied;
      }),
      expected: retained,
    },
    {
      name: 'K4: a node whose interface another object claims leaves it alone',
      node: deletedNode('Remove'),
      rivals: [rival],
      expected: retained,
    },
    {
      name: 'K1: the timeout is waited for to its end',
      node: deletedNode('Disable'),
      afterMs: 300_000,
      expected: act('disable'),
    },
    {
      name: 'K1: and then the object is let go with a warning',
      node: deletedNode('Disable'),
      afterMs: 300_001,
      expected: timedOut,
    },
    {
      name: 'K1: a timeout of 0 still allows one attempt',
      node: deletedNode('Remove', ({ spec }) => {
        spec.management.deletionTimeoutSeconds = 0;
      }),
      expected: act('remove'),
    },
    {
      name: 'what would be retained anyway does not time out',
      node: deletedNode('Retain'),
      afterMs: 1e9,
      expected: retained,
    },
  ])('$name', ({ node, rivals = [], afterMs = 0, expected }) => {
    expect(deletionPlan(node, rivals, DELETED_MS + afterMs)).toMatchObject(expected);
  });
});

describe('the finalizer', () => {
  test.each([
    ['Retain', false],
    ['Disable', true],
    ['Remove', true],
  ] as const)('with %s: wanted = %s', (deletionPolicy, expected) => {
    expect(wantsFinalizer(deletedNode(deletionPolicy))).toBe(expected);
  });

  test.each([
    { name: 'is there under its name', finalizers: ['example.com/other', 'wgnode.dev/interface'], expected: true },
    { name: 'is not that of another', finalizers: ['example.com/other'], expected: false },
    { name: 'is not there without a list', finalizers: undefined, expected: false },
  ])('$name', ({ finalizers, expected }) => {
    const node = nodeWith(({ metadata }) => {
      if (finalizers !== undefined) metadata.finalizers = finalizers;
    });
    expect(hasFinalizer(node)).toBe(expected);
  });
});

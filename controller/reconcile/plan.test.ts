import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../agent/protocol/secret.ts';
import type { AppliedStatus, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Correction } from './contention.ts';
import { desired, type Desired } from './desired.ts';
import type { Difference } from './diff.ts';
import { causeOf, openRequest, plan, type Plan } from './plan.ts';

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

const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
const REQUEST = 'wgnode.dev/reconcile-requested-at';
const NOW_MS = 1_000_000;
const MTU: Difference = { path: 'spec.interface.mtu', desired: '1400', file: '1420', live: '1420', impact: 'None' };

const wanted = (node: WireGuardNode): Desired => desired(node, KEY);

/** A node whose present spec and key were applied. */
const appliedNode = (edit: (node: WireGuardNode) => void = () => undefined, over: AppliedStatus = {}): WireGuardNode =>
  nodeWith((node) => {
    const { specHash, publicKey } = wanted(node);
    node.status.applied = { generation: 3, specHash, publicKey, url: node.spec.agent.url, ...over };
    edit(node);
  });

const fought: Correction[] = [1, 2, 3, 4, 5].map((each) => ({ path: MTU.path, atMs: NOW_MS - each * 60_000 }));
const planOf = (node: WireGuardNode, corrections: readonly Correction[], ...differences: Difference[]): Plan =>
  plan({ node, desired: wanted(node), corrections, nowMs: NOW_MS }, differences);

const observing = (node: WireGuardNode): void => {
  node.spec.management.mode = 'Observe';
};
const requesting = (node: WireGuardNode): void => {
  node.metadata.annotations = { [REQUEST]: 'now' };
};
const standingOff =
  (observedGeneration: number) =>
  ({ status }: WireGuardNode): void => {
    const since = { lastTransitionTime: '2026-01-02T00:00:00Z', observedGeneration };
    status.conditions = [{ type: 'Contended', status: 'True', reason: 'Contended', message: '', ...since }];
  };

interface Case {
  readonly name: string;
  readonly node: WireGuardNode;
  readonly corrections?: readonly Correction[];
  readonly differences: readonly Difference[];
  readonly expected: Plan;
}

const corrected: Plan = { kind: 'apply', cause: 'DriftCorrected' };
const cases: readonly Case[] = [
  { name: 'I5: no difference, nothing to do', node: nodeWith(), differences: [], expected: { kind: 'nothing' } },
  { name: 'Observe only reports', node: nodeWith(observing), differences: [MTU], expected: { kind: 'report' } },
  {
    name: 'Observe only reports, even when a reconcile is requested',
    node: nodeWith((node) => {
      observing(node);
      requesting(node);
    }),
    differences: [MTU],
    expected: { kind: 'report' },
  },
  {
    name: 'a node that was never applied is created',
    node: nodeWith(),
    differences: [MTU],
    expected: { kind: 'apply', cause: 'Created' },
  },
  { name: 'drift is corrected', node: appliedNode(), differences: [MTU], expected: corrected },
  {
    name: 'a field that was corrected five times in ten minutes is left to the other',
    node: appliedNode(),
    corrections: fought,
    differences: [MTU],
    expected: { kind: 'stand-off', path: MTU.path },
  },
  {
    name: 'a request of a person overrides the stand-off',
    node: appliedNode(requesting),
    corrections: fought,
    differences: [MTU],
    expected: corrected,
  },
  {
    name: 'a request that was handled overrides nothing',
    node: appliedNode((node) => {
      requesting(node);
      node.status.lastHandledReconcileRequest = 'now';
    }),
    corrections: fought,
    differences: [MTU],
    expected: { kind: 'stand-off', path: MTU.path },
  },
  {
    name: 'a new spec overrides the stand-off',
    node: appliedNode(({ spec }) => {
      spec.interface.mtu = 1_400;
    }),
    corrections: fought,
    differences: [MTU],
    expected: { kind: 'apply', cause: 'SpecChanged' },
  },
  {
    name: 'a stand-off outlives a restart of the controller, which forgets the corrections',
    node: appliedNode(standingOff(3)),
    differences: [MTU],
    expected: { kind: 'stand-off', path: MTU.path },
  },
  {
    name: 'a stand-off at a former generation counts no longer',
    node: appliedNode(standingOff(2)),
    differences: [MTU],
    expected: corrected,
  },
  {
    name: 'a stand-off ends by itself when the host is as wanted',
    node: appliedNode(standingOff(3)),
    differences: [],
    expected: { kind: 'nothing' },
  },
];

describe('plan', () => {
  test.each(cases)('$name', ({ node, corrections = [], differences, expected }) => {
    expect(planOf(node, corrections, ...differences)).toEqual(expected);
  });
});

describe('causeOf', () => {
  test.each([
    { name: 'nothing was applied', node: nodeWith(), expected: 'Created' },
    {
      name: 'it was applied to another host',
      node: appliedNode(undefined, { url: 'https://old.example' }),
      expected: 'Created',
    },
    { name: 'another spec was applied', node: appliedNode(undefined, { specHash: 'other' }), expected: 'SpecChanged' },
    {
      name: 'another key was applied',
      node: appliedNode(undefined, { publicKey: 'other' }),
      expected: 'SecretChanged',
    },
    {
      name: 'another spec and another key were applied',
      node: appliedNode(undefined, { specHash: 'other', publicKey: 'other' }),
      expected: 'SpecChanged',
    },
    { name: 'just this was applied', node: appliedNode(), expected: 'DriftCorrected' },
  ])('$name: $expected', ({ node, expected }) => {
    expect(causeOf(node, wanted(node))).toBe(expected);
  });
});

describe('openRequest', () => {
  test.each([
    { name: 'without annotation there is none', token: undefined, handled: undefined, expected: undefined },
    { name: 'a first token is open', token: 'a', handled: undefined, expected: 'a' },
    { name: 'another token than the last one is open', token: 'b', handled: 'a', expected: 'b' },
    { name: 'the token that was handled is not', token: 'a', handled: 'a', expected: undefined },
  ])('$name', ({ token, handled, expected }) => {
    const node = nodeWith(({ metadata, status }) => {
      if (token !== undefined) metadata.annotations = { [REQUEST]: token };
      if (handled !== undefined) status.lastHandledReconcileRequest = handled;
    });
    expect(openRequest(node)).toBe(expected);
  });
});

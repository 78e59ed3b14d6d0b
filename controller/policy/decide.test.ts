import { describe, expect, test } from '@jest/globals';
import { KEY_PAIR, observation } from '../../test/support/observed-host.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { AppliedStatus, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Correction } from './contention.ts';
import { desired, type Desired } from './desired.ts';
import type { Difference } from './differences.ts';
import { causeOf, decide, type Decision, openRequest } from './decide.ts';
import { statusOf } from './status.ts';
import type { Outcome } from './outcome.ts';

const REQUEST = 'wgnode.dev/reconcile-requested-at';
const NOW_MS = 1_000_000;
const MTU: Difference = { path: 'spec.interface.mtu', desired: '1400', file: '1420', live: '1420', impact: 'None' };

const MTU_OF_ANOTHER: Difference = { ...MTU, path: 'spec.interface.mtuOfAnother' };
const PORT: Difference = { ...MTU, path: 'spec.interface.listenPort' };

const wanted = (node: WireGuardNode): Desired => desired(node, KEY_PAIR);

/** A node whose present spec and key were applied. */
const appliedNode = (edit: (node: WireGuardNode) => void = () => undefined, over: AppliedStatus = {}): WireGuardNode =>
  nodeWith((node) => {
    const { specHash, publicKey } = wanted(node);
    node.status.applied = { generation: 3, specHash, publicKey, url: node.spec.agent.url, ...over };
    node.spec = structuredClone(node.spec);
    edit(node);
  });

const fought: Correction[] = [1, 2, 3, 4, 5].map((each) => ({ path: MTU.path, atMs: NOW_MS - each * 60_000 }));
interface Known {
  readonly corrections?: readonly Correction[];
  readonly isRecorded?: boolean;
}
const decisionOf = (
  node: WireGuardNode,
  { corrections = [], isRecorded = true }: Known,
  differences: readonly Difference[],
): Decision => decide({ node, desired: wanted(node), corrections, nowMs: NOW_MS, isRecorded }, differences);

const observing = (node: WireGuardNode): void => {
  node.spec.management.mode = 'Observe';
};
const requesting = (node: WireGuardNode): void => {
  node.metadata.annotations = { [REQUEST]: 'now' };
};
const standingOff =
  (observedGeneration: number, path = MTU.path) =>
  (node: WireGuardNode): void => {
    const outcome = { kind: 'contended', observation, differences: [MTU], path } as const;
    const previous = { ...node, metadata: { ...node.metadata, generation: observedGeneration } };
    const attempt = { failures: 0, nextMs: undefined };
    node.status = statusOf({ node: previous, outcome, nowMs: NOW_MS, request: undefined, attempt });
  };

interface Case {
  readonly name: string;
  readonly node: WireGuardNode;
  readonly corrections?: readonly Correction[];
  /** Whether the host knows whose the interface is; default true. */
  readonly isRecorded?: boolean;
  readonly differences: readonly Difference[];
  readonly expected: Decision;
}

const corrected: Decision = { kind: 'apply', cause: 'DriftCorrected' };
const cases: readonly Case[] = [
  { name: 'I5: no difference, nothing to do', node: nodeWith(), differences: [], expected: { kind: 'nothing' } },
  {
    name: 'a host that does not know yet whose the interface is is told, although nothing differs',
    node: appliedNode(),
    isRecorded: false,
    differences: [],
    expected: corrected,
  },
  {
    name: 'Observe tells a host nothing, not even whose the interface is',
    node: appliedNode(observing),
    isRecorded: false,
    differences: [],
    expected: { kind: 'nothing' },
  },
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
    expected: { kind: 'contended', path: MTU.path },
  },
  {
    name: 'a request of a person overrides the contention',
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
    expected: { kind: 'contended', path: MTU.path },
  },
  {
    name: 'a new spec overrides the contention',
    node: appliedNode(({ spec }) => {
      spec.interface.mtu = 1_400;
    }),
    corrections: fought,
    differences: [MTU],
    expected: { kind: 'apply', cause: 'SpecChanged' },
  },
  {
    name: 'contention outlives a restart of the controller, which forgets the corrections',
    node: appliedNode(standingOff(3)),
    differences: [MTU],
    expected: { kind: 'contended', path: MTU.path },
  },
  {
    name: 'contention keeps its field when others differ too',
    node: appliedNode(standingOff(3)),
    differences: [PORT, MTU],
    expected: { kind: 'contended', path: MTU.path },
  },
  {
    name: 'contention keeps its field, not one whose name begins like it',
    node: appliedNode(standingOff(3)),
    differences: [MTU_OF_ANOTHER, MTU],
    expected: { kind: 'contended', path: MTU.path },
  },
  {
    name: 'contention keeps its field, not one with which its name begins',
    node: appliedNode(standingOff(3, MTU_OF_ANOTHER.path)),
    differences: [MTU, MTU_OF_ANOTHER],
    expected: { kind: 'contended', path: MTU_OF_ANOTHER.path },
  },
  {
    name: 'contention whose field is as wanted now stands for what differs',
    node: appliedNode(standingOff(3)),
    differences: [PORT],
    expected: { kind: 'contended', path: PORT.path },
  },
  {
    name: 'a request of a person overrides contention from before a restart',
    node: appliedNode((node) => {
      standingOff(3)(node);
      requesting(node);
    }),
    differences: [MTU],
    expected: corrected,
  },
  {
    name: 'contention at a previous generation counts no longer',
    node: appliedNode(standingOff(2)),
    differences: [MTU],
    expected: corrected,
  },
  {
    name: 'contention ends by itself when the host is as wanted',
    node: appliedNode(standingOff(3)),
    differences: [],
    expected: { kind: 'nothing' },
  },
];

describe('decide', () => {
  test.each(cases)('$name', ({ node, differences, expected, ...known }) => {
    expect(decisionOf(node, known, differences)).toEqual(expected);
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
    {
      name: 'C18: just this was applied, to the same host in another spelling',
      node: appliedNode(undefined, { url: 'https://FRA1.example.net.:8443/' }),
      expected: 'DriftCorrected',
    },
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

  test.each([
    ['x'.repeat(254), 'x'.repeat(253)],
    // Half of a character would come back as another one, and differ for ever.
    [`${'x'.repeat(252)}😀`, 'x'.repeat(252)],
  ])('a token that is longer than status can hold is answered once (%#)', (token, kept) => {
    const node = nodeWith(({ metadata }) => {
      metadata.annotations = { [REQUEST]: token };
    });
    const request = openRequest(node);
    expect(request).toBe(kept);
    const outcome: Outcome = { kind: 'suspended', specMoved: false };
    const attempt = { failures: 0, nextMs: undefined };
    node.status = statusOf({ node, outcome, nowMs: NOW_MS, request, attempt });
    expect(node.status.lastHandledReconcileRequest).toBe(kept);
    expect(openRequest(node)).toBeUndefined();
  });
});

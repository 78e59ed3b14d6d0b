import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { ManagementSpec, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { deletionPlan, deletionTimedOut, hasFinalizer, wantsFinalizer } from './deletion.ts';

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');

/** A node that was applied and is being deleted. */
const deletedNode = (
  deletionPolicy: ManagementSpec['deletionPolicy'],
  edit = (_: WireGuardNode): void => undefined,
): WireGuardNode =>
  nodeWith((node) => {
    node.spec.management.deletionPolicy = deletionPolicy;
    node.metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
    node.status.applied = { generation: 3, url: node.spec.agent.url };
    edit(node);
  });

const another = nodeWith(({ metadata }) => {
  metadata.uid = 'ffffffff-0000-4000-8000-000000000000';
});

const act = (verb: 'disable' | 'remove') => ({ kind: 'act', verb });
const retained = { kind: 'release', event: { type: 'Normal', reason: 'Retained', action: 'Delete' } };

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
      conflicting: [another],
      expected: retained,
    },
    {
      name: 'a host on which this object was never applied is left as it is',
      node: deletedNode('Remove', ({ spec }) => {
        spec.agent.url = 'https://ams1.example.net:8443';
      }),
      expected: retained,
    },
    {
      name: 'a record that does not say to which host it was applied is no proof',
      node: deletedNode('Disable', ({ status }) => {
        status.applied = { generation: 3 };
      }),
      expected: retained,
    },
  ])('$name', ({ node, conflicting = [], expected }) => {
    expect(deletionPlan(node, conflicting)).toMatchObject(expected);
  });
});

describe('deletionTimedOut', () => {
  const pending = { isOver: false, event: { type: 'Warning', reason: 'DeletionPending', action: 'Delete' } };
  const over = { isOver: true, event: { type: 'Warning', reason: 'DeletionTimedOut', action: 'Delete' } };
  const withTimeout = (seconds: number): WireGuardNode =>
    deletedNode('Disable', ({ spec }) => {
      spec.management.deletionTimeoutSeconds = seconds;
    });

  test.each([
    { name: 'K1: the host is waited for', seconds: 300, afterMs: 299_999, expected: pending },
    { name: 'K1: until the timeout is reached', seconds: 300, afterMs: 300_000, expected: over },
    { name: 'K1: and never again after it', seconds: 300, afterMs: 86_400_000, expected: over },
    { name: 'K1: a timeout of 0 ends with the first attempt', seconds: 0, afterMs: 0, expected: over },
  ])('$name', ({ seconds, afterMs, expected }) => {
    expect(deletionTimedOut(withTimeout(seconds), DELETED_MS + afterMs, 'no answer')).toMatchObject(expected);
  });

  test.each([0, 300_000])('the note says why the host was out of reach, %d ms after the deletion', (afterMs) => {
    expect(deletionTimedOut(withTimeout(300), DELETED_MS + afterMs, 'no answer').event.note).toContain('no answer');
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

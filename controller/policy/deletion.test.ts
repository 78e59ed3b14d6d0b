import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { ManagementSpec, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { deadlineMsOf, deletionPlan, hasFinalizer, placesOf, releaseAfter, wantsFinalizer } from './deletion.ts';

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');

type Edit = (node: WireGuardNode) => void;

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

/** Another object that was applied to the same interface. */
const another = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    node.metadata.uid = 'ffffffff-0000-4000-8000-000000000000';
    node.status.applied = { generation: 3, url: node.spec.agent.url };
    edit(node);
  });

const act = (verb: 'disable' | 'remove') => ({ kind: 'act', verb });
const RETAINED = { type: 'Normal', reason: 'Retained', action: 'Delete' };
const retained = { kind: 'release', release: { reason: 'retained', isClean: true, event: RETAINED } };

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
      name: 'K4: a node whose interface another object has by now leaves it alone',
      node: deletedNode('Remove'),
      conflicting: [another()],
      expected: retained,
    },
    {
      name: 'C7: a node whose interface another object merely names is not kept from it',
      node: deletedNode('Remove'),
      conflicting: [
        another(({ status }) => {
          delete status.applied;
        }),
      ],
      expected: act('remove'),
    },
    ...Object.entries<Edit>({
      suspended: ({ spec }) => {
        spec.suspend = true;
      },
      observing: ({ spec }) => {
        spec.management.mode = 'Observe';
      },
      deleted: ({ metadata }) => {
        metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
      },
    }).map(([what, edit]) => ({
      name: `K4: another object that is ${what} keeps nothing`,
      node: deletedNode('Remove'),
      conflicting: [another(edit)],
      expected: act('remove'),
    })),
    {
      name: 'C18: the host on which it was applied, in another spelling, is that host',
      node: deletedNode('Remove', ({ spec }) => {
        spec.agent.url = 'https://FRA1.example.net.:8443/';
      }),
      expected: act('remove'),
    },
    {
      name: 'a record that does not say to which host it was applied is no proof',
      node: deletedNode('Disable', ({ status }) => {
        status.applied = { generation: 3 };
      }),
      expected: retained,
    },
  ])('$name', ({ node, conflicting = [], expected }) => {
    const [place] = placesOf(node, undefined);
    expect(deletionPlan(node, place, conflicting)).toMatchObject(expected);
  });
});

describe('K5: placesOf', () => {
  const [here, there] = [nodeWith().spec.agent.url, 'https://ams1.example.net:8443'];
  const [proven, sent] = [
    { url: here, isProven: true },
    { url: there, isProven: false },
  ];
  test.each([
    { name: 'where it was applied', node: deletedNode('Remove'), sentTo: undefined, places: [proven] },
    {
      name: 'where it was applied, whatever it names now',
      node: deletedNode('Remove', ({ spec }) => {
        spec.agent.url = 'https://third.example:8443';
      }),
      sentTo: undefined,
      places: [proven],
    },
    { name: 'first of all where no answer came', node: deletedNode('Remove'), sentTo: there, places: [sent, proven] },
    { name: 'once, though asked again', node: deletedNode('Remove'), sentTo: `${here}/`, places: [proven] },
    { name: 'where a first change was sent', node: nodeWith(), sentTo: there, places: [sent] },
    { name: 'nowhere', node: nodeWith(), sentTo: undefined, places: [] },
  ])('$name', ({ node, sentTo, places }) => {
    expect(placesOf(node, sentTo)).toEqual(places);
  });
});

describe('deadlineMsOf', () => {
  test.each([0, 60, 300])('K1: %d s after the deletion, by the clock of the API server', (seconds) => {
    const node = deletedNode('Disable', ({ spec }) => {
      spec.management.deletionTimeoutSeconds = seconds;
    });
    expect(deadlineMsOf(node)).toBe(DELETED_MS + 1_000 * seconds);
  });
});

describe('releaseAfter', () => {
  const node = deletedNode('Remove');

  test.each([
    { verb: 'remove', word: 'removed' },
    { verb: 'disable', word: 'down' },
  ] as const)('K1: what was carried out ($verb) is told as done', ({ verb, word }) => {
    const release = releaseAfter({ kind: 'done', node, verb });
    const event = { type: 'Normal', reason: 'Deleted', action: 'Delete' };
    expect(release).toMatchObject({ reason: 'carried_out', isClean: true, event });
    for (const each of ['wg0', word]) expect(release.event.note).toContain(each);
  });

  test('K4: an interface that is another object’s by now is left to it', () => {
    expect(releaseAfter({ kind: 'not-ours', node })).toMatchObject(retained.release);
  });

  test('K1: what could not be done in time is a warning that says why, and what is left as it is', () => {
    const release = releaseAfter({ kind: 'timed-out', node, why: 'no answer' });
    const event = { type: 'Warning', reason: 'DeletionTimedOut', action: 'Delete' };
    expect(release).toMatchObject({ reason: 'timed_out', isClean: false, event });
    for (const word of ['Remove', '300 s', 'no answer']) expect(release.event.note).toContain(word);
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

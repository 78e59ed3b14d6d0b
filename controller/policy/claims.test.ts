import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { anotherNode, POLICY } from '../../test/support/check-input.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { statusAfter, withStatus } from '../../test/support/status-after.ts';
import type { Owner } from '../../agent/protocol/owner.ts';
import { keyOf, TAKE_OVER } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { isClaiming, openTakeOver, type Ownership, ownershipOf, wasApplied } from './claims.ts';

type Edit = (node: WireGuardNode) => void;

const edited =
  (...edits: readonly Edit[]): Edit =>
  (node) => {
    for (const edit of edits) edit(node);
  };
const createdAt =
  (time: string): Edit =>
  ({ metadata }) => {
    metadata.creationTimestamp = time;
  };
const old = createdAt('2026-01-01T00:00:00Z');
const young = createdAt('2026-01-03T00:00:00Z');
const applied: Edit = ({ spec, status }) => {
  status.applied = { generation: 3, url: spec.agent.url };
};
const appliedElsewhere: Edit = ({ status }) => {
  status.applied = { generation: 3, url: 'https://ams1.example.net:8443' };
};
const suspended: Edit = ({ spec }) => {
  spec.suspend = true;
};
const observing: Edit = ({ spec }) => {
  spec.management.mode = 'Observe';
};
const deleted: Edit = ({ metadata }) => {
  metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
};
const notReady =
  (ready: string, reachable = 'Connected'): Edit =>
  ({ status }) => {
    const rest = { status: 'False', message: '', lastTransitionTime: '2026-01-02T00:00:00Z' } as const;
    status.conditions = [
      { type: 'Ready', reason: ready, ...rest },
      { type: 'Reachable', reason: reachable, ...rest },
    ];
  };
const cannotSign = (reason: string): Edit => notReady(reason, reason);
const takingOver =
  (token: string, handled?: string): Edit =>
  ({ metadata, status }) => {
    metadata.annotations = { [TAKE_OVER]: token };
    if (handled !== undefined) status.lastHandledTakeOver = handled;
  };

/** The host says that the interface is this object's. */
const ownerOf = (node: WireGuardNode, over: Partial<Owner> = {}): Owner => ({
  id: node.metadata.uid,
  name: keyOf(node),
  cluster: POLICY.cluster,
  since: '2026-01-05T00:00:00Z',
  ...over,
});

interface Known {
  /** What the host says; undefined = it does not tell. */
  readonly owner?: Owner | null | undefined;
  /** Other objects that name the interface, and that its agent accepted. */
  readonly accepted?: readonly WireGuardNode[];
  /** Other objects of this cluster. */
  readonly known?: readonly WireGuardNode[];
  readonly showOtherNamespaces?: boolean;
  readonly cluster?: string;
}

function judged(node: WireGuardNode, { owner, accepted = [], known = accepted, ...policy }: Known): Ownership {
  const byUid = (uid: string): WireGuardNode | undefined => known.find(({ metadata }) => metadata.uid === uid);
  return ownershipOf({ node, owner, conflicting: { accepted, byUid }, policy: { ...POLICY, ...policy } });
}

const unrecorded: Ownership = { kind: 'own', isRecorded: false, replaces: undefined };
const recorded: Ownership = { kind: 'own', isRecorded: true, replaces: undefined };
const taken = ({ id }: Owner): Ownership => ({ kind: 'own', isRecorded: false, replaces: id });
const conflict = { kind: 'refused', refusal: { reason: 'Conflict' } };

/** What claims nothing, whatever it names. */
const HARMLESS: readonly (readonly [name: string, edit: Edit])[] = [
  ['suspended', suspended],
  ['observing', observing],
  ['deleted', deleted],
  ['without its Secret', cannotSign('SecretNotFound')],
  ['without rights to its Secret', cannotSign('SecretForbidden')],
  ['without usable credentials', cannotSign('InvalidCredentials')],
  ['whose signature is rejected', cannotSign('SignatureRejected')],
];

describe.each([
  { host: 'that knows no owner', owner: null },
  { host: 'whose agent does not tell', owner: undefined },
])('K4: a host $host: who was applied there has the interface, else the oldest that was accepted', ({ owner }) => {
  test.each<{ name: string; node?: Edit; other: Edit; expected: object }>([
    { name: 'an older object wins', other: old, expected: conflict },
    { name: 'a younger object loses', other: young, expected: unrecorded },
    {
      name: 'of two objects of the same second the one with the lesser UID wins',
      other: ({ metadata }) => {
        metadata.uid = '00000000-0000-4000-8000-000000000000';
      },
      expected: conflict,
    },
    { name: 'the other of the two is not refused', other: () => undefined, expected: unrecorded },
    {
      name: 'an object that was applied there wins, though it is younger',
      other: edited(young, applied),
      expected: conflict,
    },
    { name: 'an older one loses against who was applied there', node: applied, other: old, expected: unrecorded },
    {
      name: 'of two that were applied there the older wins',
      node: applied,
      other: edited(old, applied),
      expected: conflict,
    },
    {
      name: 'applied to another host is not applied there',
      other: edited(young, appliedElsewhere),
      expected: unrecorded,
    },
    {
      name: 'C18: applied there in another spelling is applied there',
      other: edited(young, applied, ({ spec }) => {
        spec.agent.url = 'https://FRA1.example.net.:8443/';
      }),
      expected: conflict,
    },
    {
      name: 'an older object that is in conflict itself claims still',
      other: edited(old, notReady('Conflict')),
      expected: conflict,
    },
    ...HARMLESS.map(([name, edit]) => ({
      name: `C7: an older object that is ${name} claims nothing`,
      other: edited(old, applied, edit),
      expected: unrecorded,
    })),
  ])('$name', ({ node = () => undefined, other, expected }) => {
    expect(judged(nodeWith(node), { owner, accepted: [anotherNode(other)] })).toMatchObject(expected);
  });

  test('C7: an object that the agent never accepted is no rival, however old it is', () => {
    expect(judged(nodeWith(), { owner, accepted: [], known: [anotherNode(old)] })).toEqual(unrecorded);
  });
});

describe('C8: the owner that the host recorded has the interface', () => {
  const owner = ownerOf(anotherNode(young));

  test('who is it has it, whoever was applied before or is older', () => {
    const node = nodeWith();
    expect(judged(node, { owner: ownerOf(node), accepted: [anotherNode(edited(old, applied))] })).toEqual(recorded);
  });

  test.each<{ name: string; other: Edit }>([
    { name: 'a younger one', other: young },
    {
      name: 'one that spells the host differently, and that is no rival by its words',
      other: ({ spec }) => {
        spec.agent.url = 'https://[::ffff:192.0.2.1]:8443';
      },
    },
  ])('$name keeps it against an older one that was applied', ({ other }) => {
    expect(judged(nodeWith(edited(old, applied)), { owner, known: [anotherNode(other)] })).toMatchObject(conflict);
  });

  test.each<{ name: string; known: readonly WireGuardNode[] }>([
    { name: 'is gone', known: [] },
    {
      name: 'names another interface by now',
      known: [
        anotherNode(({ spec }) => {
          spec.interface.name = 'wg1';
        }),
      ],
    },
    ...HARMLESS.map(([what, edit]) => ({ name: `is ${what}`, known: [anotherNode(edit)] })),
  ])('an owner that $name is replaced, by exactly its id', ({ known }) => {
    expect(judged(nodeWith(), { owner, known })).toEqual(taken(owner));
  });

  test('an owner whose cluster is not known is taken for one of this', () => {
    const unknown = { ...owner, cluster: '' };
    expect(judged(nodeWith(), { owner: unknown, known: [] })).toEqual(taken(unknown));
    expect(judged(nodeWith(), { owner, known: [], cluster: '' })).toEqual(taken(owner));
  });
});

describe('an owner of another cluster', () => {
  const owner = ownerOf(anotherNode(young), { cluster: 'cluster-2', name: 'edge/far' });

  test('keeps the interface, though no object here is it', () => {
    expect(judged(nodeWith(applied), { owner, known: [] })).toMatchObject(conflict);
  });

  test('gives it to an object that asks to take it over, once for each value', () => {
    expect(judged(nodeWith(takingOver('1')), { owner })).toEqual(taken(owner));
    expect(judged(nodeWith(takingOver('1', '1')), { owner })).toMatchObject(conflict);
    expect(judged(nodeWith(takingOver('2', '1')), { owner })).toEqual(taken(owner));
  });

  test('is named with its cluster and with what takes it over', () => {
    const ownership = judged(nodeWith(), { owner });
    const message = ownership.kind === 'refused' ? ownership.refusal.message : '';
    for (const word of ['edge/far', 'cluster-2', TAKE_OVER, owner.since]) expect(message).toContain(word);
  });
});

test('a take-over takes nothing from an object of the same cluster that claims it', () => {
  const other = anotherNode(young);
  expect(judged(nodeWith(takingOver('1')), { owner: ownerOf(other), known: [other] })).toMatchObject(conflict);
});

test('a take-over of what is its own already also overrules a later leader', () => {
  const node = nodeWith(takingOver('1'));
  const expected: Ownership = { kind: 'own', isRecorded: true, replaces: node.metadata.uid };
  expect(judged(node, { owner: ownerOf(node) })).toEqual(expected);
});

describe('whom a Conflict names', () => {
  const elsewhere: Edit = ({ metadata }) => {
    metadata.namespace = 'evil';
  };
  const messageOf = (ownership: Ownership): string => (ownership.kind === 'refused' ? ownership.refusal.message : '');
  const ways = [
    { way: 'by age', known: (other: WireGuardNode): Known => ({ owner: null, accepted: [other] }) },
    { way: 'by record', known: (other: WireGuardNode): Known => ({ owner: ownerOf(other), known: [other] }) },
    {
      way: 'of another cluster',
      known: (other: WireGuardNode): Known => ({ owner: ownerOf(other, { cluster: 'cluster-2' }) }),
    },
  ];

  test.each(ways)('$way: an object of its own namespace', ({ known }) => {
    expect(messageOf(judged(nodeWith(), known(anotherNode(old))))).toContain('edge/another');
  });

  test.each(ways)('$way: no object of another namespace, which is not its business', ({ known }) => {
    const message = messageOf(judged(nodeWith(), known(anotherNode(edited(old, elsewhere)))));
    expect(message).not.toBe('');
    for (const word of ['evil', 'another '])
      expect(message.replace('another namespace', '').replace('another cluster', '')).not.toContain(word);
  });

  test.each(ways)('$way: also that one where the operator lets people know', ({ known }) => {
    const given = { ...known(anotherNode(edited(old, elsewhere))), showOtherNamespaces: true };
    expect(messageOf(judged(nodeWith(), given))).toContain('evil/another');
  });

  test('a namespace whose name begins with that of the object is another one', () => {
    const other = anotherNode(
      edited(old, ({ metadata }) => {
        metadata.namespace = 'edge-2';
      }),
    );
    expect(messageOf(judged(nodeWith(), { owner: null, accepted: [other] }))).not.toContain('edge-2');
  });
});

describe('isClaiming', () => {
  test.each<[string, Edit]>([
    ['new', () => undefined],
    ['in conflict', notReady('Conflict')],
    ['without the Secret of its private key alone', notReady('SecretNotFound')],
  ])('C7: an object that is %s claims', (_, edit) => {
    expect(isClaiming(nodeWith(edit))).toBe(true);
  });

  test('C7: an object whose agent can be asked again claims, though the key of its interface is still away', () => {
    const missing = { reason: 'SecretNotFound', message: 'away' } as const;
    const both = withStatus(
      nodeWith(),
      statusAfter(nodeWith(), { kind: 'refused', refusal: { ...missing, isOfAgent: true } }),
    );
    expect(isClaiming(both)).toBe(false);
    const one = withStatus(both, statusAfter(both, { kind: 'refused', refusal: missing }));
    expect(isClaiming(one)).toBe(true);
    expect(isClaiming(withStatus(both, statusAfter(both, { kind: 'applying' })))).toBe(true);
  });

  test.each(HARMLESS)('an object that is %s does not', (_, edit) => {
    expect(isClaiming(nodeWith(edit))).toBe(false);
  });
});

test.each([
  ['nothing', () => undefined, false],
  ['this host', applied, true],
  ['another host', appliedElsewhere, false],
] as const)('wasApplied to %s', (_, edit, expected) => {
  expect(wasApplied(nodeWith(edit))).toBe(expected);
});

test('openTakeOver: a token that is longer than status can hold is answered once', () => {
  const token = openTakeOver(nodeWith(takingOver('x'.repeat(254))));
  expect(token).toBe('x'.repeat(253));
  expect(openTakeOver(nodeWith(takingOver('x'.repeat(254), token)))).toBeUndefined();
});

test('K4: of any objects that claim one interface, exactly one may have it', () => {
  const edits: fc.Arbitrary<Edit> = fc
    .tuple(
      fc.constantFrom(old, young, createdAt('2026-01-02T00:00:00Z')),
      fc.constantFrom<Edit>(applied, () => undefined, appliedElsewhere),
    )
    .map((pair) => edited(...pair));
  const property = fc.property(fc.array(edits, { minLength: 1, maxLength: 5 }), fc.nat(5), (all, recordedAt) => {
    const nodes = all.map((edit, index) =>
      nodeWith((node) => {
        Object.assign(node.metadata, { name: `node-${String(index)}`, uid: `uid-${String((index * 7) % 5)}` });
        edit(node);
      }),
    );
    const recordedOne = nodes[recordedAt];
    const owner = recordedOne === undefined ? null : ownerOf(recordedOne);
    const winners = nodes.filter((node) => {
      const others = nodes.filter((other) => other !== node);
      return judged(node, { owner, accepted: others, known: nodes }).kind === 'own';
    });
    expect(winners).toHaveLength(1);
    if (recordedOne !== undefined) expect(winners).toEqual([recordedOne]);
  });
  fc.assert(property, RUNS);
});

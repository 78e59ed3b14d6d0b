import { describe, expect, test } from '@jest/globals';
import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { anotherNode, POLICY } from '../../test/support/check-input.ts';
import { agent, KEY, PUBLIC_KEY } from '../../test/support/observed-host.ts';
import { appliedNode, DRIFT, managed, MTU, ownerOf, SyncBench } from '../../test/support/sync-bench.ts';
import { keyOf } from '../api/node.ts';
import type { Conflicting } from '../policy/input.ts';

const observing = managed({ mode: 'Observe' });

describe('K4: whose an interface is', () => {
  const stranger = anotherNode(() => undefined);
  const known: Conflicting = { accepted: [], byUid: (uid) => (uid === stranger.metadata.uid ? stranger : undefined) };

  test('of the same host in two spellings is what the host says (C8)', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    Object.assign(bench, { conflicting: known });
    bench.host.owner = ownerOf(stranger);
    const conflict = { kind: 'refused', refusal: { reason: 'Conflict' }, observation: { agent } };
    expect(await bench.sync()).toMatchObject(conflict);
    expect(bench.host.applies).toEqual([]);
  });

  test('is told to a host that does not know it yet, once, and that is no change', async () => {
    const bench = new SyncBench(appliedNode());
    bench.host.owner = null;
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: undefined });
    expect(bench.host.owner).toMatchObject({ id: appliedNode().metadata.uid, name: keyOf(appliedNode()) });
    await bench.sync();
    expect([bench.host.applies.length, bench.local.corrections]).toEqual([1, []]);
  });

  test('is not told to an agent that cannot remember it', async () => {
    const bench = new SyncBench(appliedNode());
    bench.host.owner = undefined;
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: undefined });
    expect(bench.host.applies).toEqual([]);
  });

  test('is said with every change: the object, its cluster and the term of its leader', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.parts = { ...bench.parts, policy: { ...POLICY, term: 4 } };
    await bench.sync();
    const claim = { id: appliedNode().metadata.uid, name: 'edge/fra1-wg0', cluster: POLICY.cluster, term: 4 };
    expect(bench.host.applies).toMatchObject([{ claim, replaces: undefined }]);
  });

  test('of an owner that is gone is taken from exactly that one', async () => {
    const bench = new SyncBench(appliedNode());
    bench.host.owner = ownerOf(stranger);
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
    expect(bench.host.applies).toMatchObject([{ replaces: stranger.metadata.uid }]);
    expect(bench.host.owner.id).toBe(appliedNode().metadata.uid);
  });

  test('does not keep who only looks from looking', async () => {
    const bench = new SyncBench(appliedNode(observing), DRIFT);
    Object.assign(bench, { conflicting: known });
    bench.host.owner = ownerOf(stranger);
    expect(await bench.sync()).toMatchObject({ kind: 'drifted' });
  });
});

describe('the private key', () => {
  test('is sent whole, though it is compared by its public half alone', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    await bench.sync();
    expect(bench.host.applies[0]?.config.privateKey?.privateKey?.reveal()).toBe(KEY.reveal());
  });

  test('is not read for a host that has it, and whose agent can keep it', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.agent = { ...agent, capabilities: ['keep-key'] };
    bench.secret = undefined;
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: { corrected: [MTU] } });
    expect(bench.host.applies[0]?.config.privateKey).toMatchObject({ privateKey: null, publicKey: PUBLIC_KEY });
  });

  test('is read for a host that has another one, whatever its agent can', async () => {
    const other = InterfaceKey.fromPrivate(new Secret(Buffer.alloc(32, 9).toString('base64')));
    const bench = new SyncBench(appliedNode(), { privateKey: other });
    bench.host.agent = { ...agent, capabilities: ['keep-key'] };
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
    expect(bench.host.applies[0]?.config.privateKey?.privateKey?.reveal()).toBe(KEY.reveal());
  });
});

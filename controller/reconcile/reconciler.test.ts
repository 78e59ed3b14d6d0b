import { beforeEach, describe, expect, test } from '@jest/globals';
import { FinalizeBench } from '../../test/support/finalize-bench.ts';
import { KEY } from '../../test/support/observed-host.ts';
import { appliedNode, managed, ownerOf } from '../../test/support/sync-bench.ts';
import { FINALIZER } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { requeueAfter } from '../runtime/action.ts';

let bench: FinalizeBench;
beforeEach(() => {
  bench = new FinalizeBench();
  bench.host.edit({ mtu: 1_300 });
  bench.host.owner = ownerOf(appliedNode());
  bench.api.keySecret = { privateKey: KEY.reveal() };
});

const disabling = managed({ deletionPolicy: 'Disable' });

describe('C10: a finalizer that somebody refuses', () => {
  test('is told, nothing is sent, and it is tried again soon', async () => {
    bench.api.refusesFinalizersWith = 403;
    expect(await bench.reconcile(appliedNode(disabling))).toEqual(requeueAfter(15_000));
    expect([bench.ready, bench.host.applies, bench.host.reads]).toEqual(['False/FinalizerRefused', [], 0]);
  });

  test('is forgotten once it is written: the host is looked at as a whole', async () => {
    bench.api.refusesFinalizersWith = 403;
    await bench.reconcile(appliedNode(disabling));
    bench.api.refusesFinalizersWith = undefined;
    await bench.reconcile(appliedNode(disabling));
    expect([bench.api.object?.metadata.finalizers, bench.host.reads > 0]).toEqual([[FINALIZER], true]);
    expect(bench.ready).not.toBe('False/FinalizerRefused');
  });

  test.each<[string, (node: WireGuardNode) => void]>([
    ['of an object that only looks', ({ spec }) => (spec.management.mode = 'Observe')],
    [
      'of an object that wants none any more',
      ({ metadata, spec }) => {
        metadata.finalizers = [FINALIZER];
        spec.management.deletionPolicy = 'Retain';
      },
    ],
  ])('%s keeps nobody from the host', async (_, edit) => {
    bench.api.refusesFinalizersWith = 403;
    const node = appliedNode(disabling);
    edit(node);
    await bench.reconcile(node);
    expect([bench.ready === 'False/FinalizerRefused', bench.host.reads > 0]).toEqual([false, true]);
  });

  test('of a suspended object is none of its business', async () => {
    bench.api.refusesFinalizersWith = 403;
    const node = appliedNode(disabling);
    node.spec.suspend = true;
    await bench.reconcile(node);
    expect(bench.api.object?.status.conditions.map(({ type }) => type)).toContain('Suspended');
  });

  test('for another reason than a refusal is an error like any other', async () => {
    bench.api.refusesFinalizersWith = 503;
    await expect(bench.reconcile(appliedNode(disabling))).rejects.toMatchObject({ status: 503 });
  });
});

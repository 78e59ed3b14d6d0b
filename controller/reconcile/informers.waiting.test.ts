import { describe, expect, test } from '@jest/globals';
import { KEY, ANOTHER, informed, version, another, recreated, type Edit } from '../../test/support/informer-bench.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';

const moved: Edit = ({ spec }) => {
  spec.agent.url = 'https://ams1.example.net:8443';
};

describe('K4: an interface that comes free', () => {
  const both = [`${KEY} change`, `${ANOTHER} change`];
  /** Another object that has lost, by whatever words it names the host. */
  const losing = (edit: Edit = () => undefined): WireGuardNode =>
    another((node) => {
      edit(node);
      node.status.conditions = [
        { type: 'Ready', status: 'False', reason: 'Conflict', message: '', lastTransitionTime: '2026-02-01T00:00:00Z' },
      ];
    });
  const turned: readonly (readonly [name: string, edit: Edit])[] = [
    ['turns to another host', moved],
    [
      'turns to another interface',
      ({ spec }) => {
        spec.interface.name = 'wg1';
      },
    ],
    [
      'is suspended',
      ({ spec }) => {
        spec.suspend = true;
      },
    ],
    [
      'only looks from now on',
      ({ spec }) => {
        spec.management.mode = 'Observe';
      },
    ],
  ];

  test('when its owner is deleted: the other is woken', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.remove(nodeWith());
    expect(await woken()).toEqual(both);
  });

  test('C8: whatever words the two name the host by', async () => {
    const { handler, woken } = await informed(nodeWith(), losing(moved));
    handler.remove(nodeWith());
    expect(await woken()).toEqual(both);
  });

  test('when a list no longer has its owner', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.replace([losing()]);
    expect(await woken()).toEqual(both);
  });

  describe.each(turned)('when its owner %s', (_, edit) => {
    test.each(['apply', 'takeWritten'] as const)('as %s brings', async (way) => {
      const { handler, woken } = await informed(nodeWith(), losing());
      handler[way](nodeWith(version('8', 4, edit)));
      expect(await woken()).toEqual(both);
    });

    test('as a list shows', async () => {
      const { handler, woken } = await informed(nodeWith(), losing());
      handler.replace([nodeWith(version('8', 4, edit)), losing()]);
      expect(await woken()).toEqual(both);
    });
  });

  test('when a list shows a namesake in the place of its owner, which is the younger one now', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.replace([nodeWith(recreated), losing()]);
    expect(await woken()).toEqual(both);
  });

  test('wakes nobody who did not lose', async () => {
    const { handler, woken } = await informed(nodeWith(), another());
    handler.remove(nodeWith());
    expect(await woken()).toEqual([`${KEY} change`]);
  });

  test('is no news of an edit that keeps what the object claims', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.apply(
      nodeWith(
        version('8', 4, ({ spec }) => {
          spec.interface.mtu = 1_400;
        }),
      ),
    );
    expect(await woken()).toEqual([`${KEY} change`]);
  });
});

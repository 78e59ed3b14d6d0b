import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERFACE, NAMESPACE, type NodeView } from '../support/fleet.ts';
import { kstatusOf } from '../support/kstatus.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

describe('what is refused or fails leaves the previous tunnel running', () => {
  let scene: Scene;
  /** `spec.interface` of alpha as it was at first, without a table. */
  let good: object;
  const worldOf = async (): Promise<string> => {
    const { host } = scene.fleet.member('alpha');
    const commands = [
      `cat ${CONF}`,
      `stat -c %i ${CONF}`,
      `wg show ${INTERFACE} dump | cut -f 1-4`,
      `ip -o address show ${INTERFACE} scope global | cut -d : -f 2`,
      `ip route show dev ${INTERFACE}`,
      'iptables -S FORWARD',
      `cat /sys/class/net/${INTERFACE}/ifindex`,
    ];
    return host.mustExec(['bash', '-c', commands.join('; ')]);
  };
  const trueConditions = ({ status }: NodeView): string[] =>
    status.conditions.filter((condition) => condition.status === 'True').map(({ type }) => type);

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    await fleet.apply(
      ...fleet.members.flatMap((member) => [
        ...fleet.secrets(member),
        fleet.node(member, { management: { intervalSeconds: 30, deletionPolicy: 'Retain' } }),
      ]),
    );
    for (const { name } of fleet.members) await fleet.untilReason(name, 'InSync');
    await fleet.untilReaches(fleet.member('beta'), fleet.member('alpha'));
    const spec = await fleet.lab.kube.mustKubectl([
      ...['get', 'wgn', 'alpha', '-n', NAMESPACE, '-o', 'jsonpath={.spec.interface}'],
    ]);
    good = { table: null, firewall: null, ...(JSON.parse(spec) as object) };
  });
  afterAll(() => scene.lab.stop());

  const restoreSecrets = (): Promise<void> => scene.fleet.apply(...scene.fleet.secrets(scene.fleet.member('alpha')));

  test.each([
    ['a key that is none', { privateKey: 'not a key at all' }, 'InvalidKey'],
    ['a key cut short', { privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }, 'InvalidKey'],
    ['the all-zero key', { privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }, 'InvalidKey'],
  ])(
    'fault S2: %s is refused, the tunnel untouched, and a good Secret heals it without an edit',
    async (_what, data, reason) => {
      const before = await worldOf();
      await scene.fleet.apply(scene.fleet.secret('alpha-wg0', data));
      const view = await scene.fleet.untilReason('alpha', reason);
      expect(trueConditions(view)).toContain('Stalled');
      expect(kstatusOf(view)).toBe('Failed');
      expect(await worldOf()).toBe(before);
      await restoreSecrets();
      await scene.fleet.untilReason('alpha', 'InSync');
      expect(await worldOf()).toBe(before);
    },
  );

  test.each([
    ['alpha-wg0', 'SecretNotFound'],
    ['alpha-agent', 'SecretNotFound'],
  ])('fault S1: the Secret %s deleted while the tunnel runs says %s and changes nothing', async (secret, reason) => {
    const before = await worldOf();
    await scene.lab.kube.mustKubectl(['delete', 'secret', secret, '-n', NAMESPACE]);
    await scene.fleet.untilReason('alpha', reason);
    expect(await worldOf()).toBe(before);
    await restoreSecrets();
    await scene.fleet.untilReason('alpha', 'InSync');
  });

  test.each([
    ['a hook with an open quote', { postUp: ['echo "open'] }, 'HookNotAllowed'],
    ['a port that another program holds', { listenPort: 8443 + 1 }, 'ConfigRefused'],
    ["an address of the host's own network", { addresses: ['10.77.0.1/24', '127.0.0.1/8'] }, 'ConfigRefused'],
    [
      'a firewall intent that would cut the tunnel from its own packets',
      { firewall: [{ name: 'lan', type: 'PolicyRoute', policyRoute: { sources: ['0.0.0.0/0'], table: 77 } }] },
      'InvalidSpec',
    ],
  ])('%s is refused before anything is touched', async (_what, change, reason) => {
    const { fleet } = scene;
    const { host } = fleet.member('alpha');
    const before = await worldOf();
    const squatter = await host.exec([
      'bash',
      '-c',
      'wireguard-go squat0 && wg set squat0 listen-port 8444 && ip link set squat0 up',
    ]);
    expect(squatter.exitCode).toBe(0);
    await fleet.patchInterface('alpha', change);
    const view = await fleet.untilReason('alpha', reason);
    expect(trueConditions(view)).toContain('Stalled');
    expect(await worldOf()).toBe(before);
    await fleet.patchInterface('alpha', good);
    await fleet.untilReason('alpha', 'InSync');
    await host.mustExec(['ip', 'link', 'delete', 'squat0']);
    expect(await worldOf()).toBe(before);
  });

  test.each([
    ['D4 the first new PostUp fails', { postUp: ['false'] }],
    [
      'D4 the third of three PostUp fails',
      {
        postUp: ['ip route add 203.0.113.0/28 dev %i', 'ip route add 203.0.113.16/28 dev %i', 'false'],
        preDown: ['ip route delete 203.0.113.0/28 dev %i', 'ip route delete 203.0.113.16/28 dev %i'],
      },
    ],
    [
      'a restart whose PostUp fails',
      {
        table: 'None',
        postUp: ['ip route add 203.0.113.0/28 dev %i', 'exit 3'],
        preDown: ['ip route delete 203.0.113.0/28 dev %i'],
      },
    ],
    [
      'several live changes and a failing hook',
      { mtu: 1333, addresses: ['10.77.0.1/24', '10.88.0.1/24'], listenPort: 50_000, postUp: ['false'] },
    ],
  ])(
    '%s: the previous file and tunnel are back, status says ApplyFailed, and the previous spec heals it (T6)',
    async (_what, change) => {
      const { fleet } = scene;
      const withoutIdentity = async (): Promise<string> => (await worldOf()).replace(/^\d+$/gm, '');
      const before = await withoutIdentity();
      await fleet.patchInterface('alpha', change);
      const view = await fleet.untilReason('alpha', 'ApplyFailed');
      expect(view.status.conditions.find(({ type }) => type === 'Ready')?.message).toContain(
        'previous file and tunnel are back',
      );
      // The change is tried and undone again and again: what each undo must leave can only be seen between two of them.
      await fleet.suspended('alpha', async () => {
        expect(await withoutIdentity()).toBe(before);
        expect(await fleet.reaches(fleet.member('beta'), fleet.member('alpha'))).toBe(true);
      });
      await fleet.untilReason('alpha', 'ApplyFailed');
      await fleet.patchInterface('alpha', good);
      await fleet.untilReason('alpha', 'InSync');
      expect(await withoutIdentity()).toBe(before);
    },
  );

  test('a device of that name that is no WireGuard is never touched', async () => {
    const { fleet } = scene;
    const beta = fleet.member('beta');
    await beta.host.mustExec(['ip', 'link', 'add', 'dummy0', 'type', 'veth', 'peer', 'name', 'dummy1']);
    const node = fleet.node(beta, {
      interface: { name: 'dummy0', listenPort: 50_123, addresses: ['10.66.0.1/24'], postUp: [], preDown: [] },
    }) as { metadata: { name: string } };
    await fleet.apply({ ...node, metadata: { ...node.metadata, name: 'squatted' } });
    const view = await fleet.untilReason('squatted', 'ConfigRefused');
    expect(view.status.conditions.find(({ type }) => type === 'Ready')?.message).toContain('not_wireguard');
    expect((await beta.host.exec(['test', '-e', '/etc/wireguard/dummy0.conf'])).exitCode).not.toBe(0);
    await scene.lab.kube.mustKubectl(['delete', 'wgn', 'squatted', '-n', NAMESPACE]);
  });

  test('K4 two objects that claim the same interface: the older one wins, the other is Stalled with Conflict, and takes over when it goes', async () => {
    const { fleet, lab } = scene;
    const beta = fleet.member('beta');
    const node = fleet.node(beta, { management: { deletionPolicy: 'Retain' } }) as { metadata: { name: string } };
    // Of two objects of one second neither is the older one.
    const { creationTimestamp } = (await fleet.view('beta')).metadata;
    await until('a later second', () => Date.now() >= Date.parse(creationTimestamp) + 1_000);
    await fleet.apply({ ...node, metadata: { ...node.metadata, name: 'latecomer' } });
    expect(kstatusOf(await fleet.untilReason('latecomer', 'Conflict'))).toBe('Failed');
    await fleet.untilReason('beta', 'InSync');
    await lab.kube.mustKubectl(['delete', 'wgn', 'beta', '-n', NAMESPACE]);
    await fleet.untilReason('latecomer', 'InSync');
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});

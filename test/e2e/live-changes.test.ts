import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERFACE, KEPT_COMMENT } from '../support/fleet.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** Pings over a change, at 20 ms: half of them before it. */
const PINGS = isFull ? 900 : 100;
const PINGS_MS = 3 * PINGS * 20;

describe('R7 what WireGuard can change live is changed without one lost packet', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    await fleet.apply(...fleet.members.flatMap((member) => [...fleet.secrets(member), fleet.node(member)]));
    for (const { name } of fleet.members) await fleet.untilReason(name, 'InSync');
    const { host } = fleet.member('beta');
    await until(
      'the tunnel to answer',
      async () => (await host.exec(['ping', '-c', '1', '-W', '1', '10.77.0.1'])).exitCode === 0,
    );
  });
  afterAll(() => scene.lab.stop());

  test('kubectl wait --for=condition=Ready works', async () => {
    await scene.lab.kube.mustKubectl(['wait', '-n', 'edge', '--for=condition=Ready', 'wgn/alpha', '--timeout=10s']);
  });

  const setRoutes = ['iptables -w -A FORWARD -i %i -j ACCEPT', 'ip route add 198.51.100.0/24 dev %i'];
  const dropRoutes = ['iptables -w -D FORWARD -i %i -j ACCEPT', 'ip route delete 198.51.100.0/24 dev %i'];
  test.each([
    ['an MTU change', { mtu: 1400 }, 'None'],
    ['an address added', { addresses: ['10.77.0.1/24', '10.78.0.1/24', 'fd00:77::1/64'] }, 'None'],
    ['an address removed', { addresses: ['10.77.0.1/24', 'fd00:77::1/64'] }, 'None'],
    ['a change of the down hooks alone', { preDown: dropRoutes }, 'None'],
    ['a mark set', { fwMark: 4711 }, 'None'],
    ['a change of the up hooks', { postUp: setRoutes }, 'Restart'],
    ['a new listen port', { listenPort: 51_999 }, 'Rehandshake'],
    ['a change that changes nothing', { preUp: [] }, 'None'],
  ])('%s loses no ping', async (_what, change, impact) => {
    const { fleet } = scene;
    // From the managed host, so that a new port is spoken from at once; the nudge of the agent serves the other direction.
    const ping = await fleet.member('alpha').host.startPing('10.77.0.2');
    await until('pings before the change', () => ping.received() >= PINGS / 2, { timeoutMs: PINGS_MS });
    await fleet.patchInterface('alpha', change);
    const { status } = await fleet.untilReason('alpha', 'InSync');
    await until('pings after the change', () => ping.sent() >= PINGS, { timeoutMs: PINGS_MS });
    const { lost } = await ping.stop();
    expect({ lost, impact: status.applied?.impact, outageMs: status.applied?.outageMs }).toEqual({
      lost: 0,
      impact,
      outageMs: 0,
    });
  });

  test('I1 peers, their letter case and the comment are in the file as before', async () => {
    const alpha = scene.fleet.member('alpha');
    const text = await scene.fleet.file(alpha);
    expect(text).toContain(KEPT_COMMENT);
    expect(text.slice(text.indexOf('[peer]'))).toBe(
      scene.fleet.peersFile(alpha).slice(scene.fleet.peersFile(alpha).indexOf('[peer]')),
    );
  });

  test('a rotated key Secret is applied in place, and status shows the new public key only', async () => {
    const { fleet, lab } = scene;
    const alpha = fleet.member('alpha');
    const before = (await fleet.view('alpha')).status.interface?.publicKey;
    const ifindex = await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/ifindex`]);
    const { newPrivateKey } = await import('../support/canary.ts');
    alpha.privateKey = newPrivateKey();
    await fleet.apply(...fleet.secrets(alpha));
    const after = await until('the new public key in status', async () => {
      const { status } = await fleet.view('alpha');
      return status.interface?.publicKey === before ? undefined : status;
    });
    expect(after.applied).toMatchObject({
      cause: 'SecretChanged',
      impact: 'Rehandshake',
      publicKey: after.interface?.publicKey,
    });
    expect(await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/ifindex`])).toBe(ifindex);
    const events = await lab.kube.mustKubectl([
      'get',
      'events.events.k8s.io',
      '-n',
      'edge',
      '-o',
      'name',
      '--field-selector',
      'reason=KeyRotated',
    ]);
    expect(events).not.toBe('');
  });

  test('a change that needs a restart keeps peers that only the kernel has, and is back in well under 15 s', async () => {
    const { fleet } = scene;
    const { host } = fleet.member('beta');
    const runtimeOnly = await host.mustExec(['bash', '-c', 'wg genkey | wg pubkey']);
    await host.mustExec(['wg', 'set', INTERFACE, 'peer', runtimeOnly.trim(), 'allowed-ips', '10.77.0.99/32']);
    await fleet.patchInterface('beta', { table: 'None' });
    const { status } = await fleet.untilReason('beta', 'InSync');
    expect(status.applied).toMatchObject({ impact: 'Restart' });
    expect(status.applied?.outageMs).toBeGreaterThan(0);
    expect(status.applied?.outageMs).toBeLessThan(5_000);
    expect(await host.mustExec(['wg', 'show', INTERFACE, 'allowed-ips'])).toContain('10.77.0.99/32');
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});

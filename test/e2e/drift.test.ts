import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERFACE, type NodeView } from '../support/fleet.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;
const INTERVAL_MS = 5_000;

/** What somebody does on the host, as commands. */
const DRIFTS: readonly (readonly [string, readonly string[]])[] = [
  ['an address removed', ['ip', 'address', 'delete', '10.77.0.1/24', 'dev', INTERFACE]],
  ['another MTU in the kernel', ['ip', 'link', 'set', INTERFACE, 'mtu', '1300']],
  ['another port in the kernel', ['wg', 'set', INTERFACE, 'listen-port', '40000']],
  ['the link set down', ['ip', 'link', 'set', INTERFACE, 'down']],
  ['a route to a peer removed', ['ip', 'route', 'delete', '10.77.0.0/24', 'dev', INTERFACE]],
  ['the MTU edited in the file', ['sed', '-i', 's/^MTU.*/MTU = 1300/', CONF]],
  ['the hooks cut out of the file', ['sed', '-i', '/^PostUp/d', CONF]],
  ['the interface taken down', ['wg-quick', 'down', INTERFACE]],
  ['the interface deleted', ['ip', 'link', 'delete', INTERFACE]],
];

describe('D11 drift is seen and put right', () => {
  let scene: Scene;
  /** Everything that must be as before: file, link, addresses, routes and the device's own settings. */
  const worldOf = async (): Promise<string> => {
    const { host } = scene.fleet.member('alpha');
    const show = (command: string): Promise<string> => host.mustExec(['bash', '-c', command]);
    const device = `wg show ${INTERFACE} listen-port; wg show ${INTERFACE} public-key; wg show ${INTERFACE} peers`;
    const link = `ip -json link show ${INTERFACE} | grep -o '"mtu":[0-9]*\\|"flags":[^]]*]'; ip address show ${INTERFACE} | grep -v fe80 | grep -o 'inet.* scope'`;
    return show(
      `cat ${CONF}; ${device}; ${link}; ip route show dev ${INTERFACE} | cut -d ' ' -f 1 | sort; iptables -S FORWARD`,
    );
  };
  const correctedAt = (view: NodeView): string | undefined =>
    view.status.applied?.cause === 'DriftCorrected' ? view.status.applied.time : undefined;

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    const [alpha, beta] = [fleet.member('alpha'), fleet.member('beta')];
    await fleet.apply(...fleet.secrets(alpha), ...fleet.secrets(beta), fleet.node(alpha), fleet.node(beta));
    await fleet.untilReason('alpha', 'InSync');
    await fleet.untilReason('beta', 'InSync');
  });
  afterAll(() => scene.lab.stop());

  test.each(DRIFTS)('%s is put right within one interval by itself', async (_what, command) => {
    const before = await worldOf();
    await scene.fleet.member('alpha').host.mustExec(command);
    const startedAt = performance.now();
    await until('the host to be as before', async () => (await worldOf()) === before, { timeoutMs: 2 * INTERVAL_MS });
    expect(performance.now() - startedAt).toBeLessThan(1.1 * INTERVAL_MS + 1_000);
  });

  test.each(DRIFTS.slice(0, 6))('%s is put right at once after reconcile-requested-at', async (_what, command) => {
    const before = await worldOf();
    await scene.fleet.member('alpha').host.mustExec(command);
    await scene.fleet.requestReconcile('alpha');
    expect(await worldOf()).toBe(before);
  });

  test('Ready stays True over a correction, and an event tells of it', async () => {
    const { fleet, lab } = scene;
    const before = await fleet.view('alpha');
    const readyOf = (view: NodeView): string | undefined =>
      view.status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    await fleet.member('alpha').host.mustExec(['ip', 'link', 'set', INTERFACE, 'mtu', '1290']);
    await fleet.requestReconcile('alpha');
    const after = await fleet.view('alpha');
    expect(correctedAt(after)).toBeDefined();
    expect(readyOf(after)).toBe(readyOf(before));
    const notes = await lab.kube.mustKubectl([
      'get',
      'events.events.k8s.io',
      '-n',
      'edge',
      '--field-selector',
      'reason=DriftCorrected',
      '-o',
      'jsonpath={.items[*].regarding.name}',
    ]);
    expect(notes).toContain('alpha');
  });

  test('what else the host has is left alone: a foreign address and a foreign peer stay', async () => {
    const { fleet } = scene;
    const { host } = fleet.member('alpha');
    const peer = (await host.mustExec(['bash', '-c', 'wg genkey | wg pubkey'])).trim();
    await host.mustExec(['ip', 'address', 'add', '10.99.0.1/32', 'dev', INTERFACE]);
    await host.mustExec(['wg', 'set', INTERFACE, 'peer', peer, 'allowed-ips', '10.99.0.2/32']);
    await fleet.requestReconcile('alpha');
    expect(await host.mustExec(['ip', 'address', 'show', INTERFACE])).toContain('10.99.0.1/32');
    expect(await host.mustExec(['wg', 'show', INTERFACE, 'peers'])).toContain(peer);
  });

  test('Contended: after the same field was corrected 5 times in 10 minutes the corrections stop, until a reconcile is requested', async () => {
    const { fleet } = scene;
    const { host } = fleet.member('beta');
    const drift = (): Promise<string> => host.mustExec(['ip', 'link', 'set', INTERFACE, 'mtu', '1300']);
    const isHealed = async (): Promise<boolean> =>
      (await host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`])).trim() === '1420';
    for (let round = 0; round < 5; round += 1) {
      await drift();
      await until(`correction ${String(round + 1)}`, isHealed, { timeoutMs: 3 * INTERVAL_MS });
    }
    await drift();
    const view = await fleet.untilReason('beta', 'Contended', 3 * INTERVAL_MS);
    expect(view.status.conditions.filter(({ status }) => status === 'True').map(({ type }) => type)).toEqual(
      expect.arrayContaining(['Contended', 'Stalled']),
    );
    expect(await isHealed()).toBe(false);
    await fleet.requestReconcile('beta');
    await fleet.untilReason('beta', 'InSync');
    expect(await isHealed()).toBe(true);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERFACE, type Member, NAMESPACE, type NodeView } from '../support/fleet.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** What somebody does on the host, as commands. */
const DRIFTS: readonly (readonly [string, readonly string[]])[] = [
  ['an address removed', ['ip', 'address', 'delete', '10.77.0.1/24', 'dev', INTERFACE]],
  ['another MTU in the kernel', ['ip', 'link', 'set', INTERFACE, 'mtu', '1300']],
  ['another port in the kernel', ['wg', 'set', INTERFACE, 'listen-port', '40000']],
  ['the link set down', ['ip', 'link', 'set', INTERFACE, 'down']],
  ['a route to a peer removed', ['ip', 'route', 'delete', '10.77.0.0/24', 'dev', INTERFACE]],
  ['the MTU edited in the file', ['sed', '-i', 's/^MTU.*/MTU = 1300/', CONF]],
  // Until it was read as a value beside the others, every answer of the agent was 500 from here on.
  ['an address in the file that is none', ['sed', '-i', 's#^Address.*#Address = 10.0.0.300/24#', CONF]],
  ['the hooks cut out of the file', ['sed', '-i', '/^PostUp/d', CONF]],
  ['the rules of hooks flushed', ['iptables', '-F']],
  ['the whole ruleset flushed', ['nft', 'flush', 'ruleset']],
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
  /** How often the controller has put this field of any object right and proven it. */
  const corrections = (path?: string): Promise<number> =>
    scene.lab.controller.metric('wgnode_drift_corrected_total', path === undefined ? {} : { path });
  const readyOf = (view: NodeView): string | undefined =>
    view.status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime;

  /**
   * Changes a host while the controller stands still: a drift is one event between two looks, however long the command takes and
   * whatever it passes through.
   */
  const drift = (member: Member, command: readonly string[]): Promise<{ heldAt: string; resumedAt: string }> =>
    scene.lab.controller.heldStill(async () => {
      const heldAt = new Date().toISOString();
      await member.host.mustExec(command);
      return { heldAt, resumedAt: new Date().toISOString() };
    });

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    const [alpha, beta] = [fleet.member('alpha'), fleet.member('beta')];
    // As a fresh install takes hooks.
    await alpha.host.agent.stop();
    await alpha.host.agent.start({ WGNODE_HOOKS: 'grammar' });
    await fleet.apply(...fleet.secrets(alpha), ...fleet.secrets(beta), fleet.node(alpha), fleet.node(beta));
    await fleet.untilReason('alpha', 'InSync');
    await fleet.untilReason('beta', 'InSync');
  });
  afterAll(() => scene.lab.stop());

  // Within one interval, counted instead of measured: the look that comes by itself, the first one that can see the drift, puts it right
  // for good, with no other in between; and until then beta, which has the same interval, is looked at twice at most, so that alpha was
  // not left out. How many looks an interval brings is counted in quiet.test.ts.
  test.each(DRIFTS)('%s is put right within one interval by itself', async (_what, command) => {
    const [alpha, beta] = [scene.fleet.member('alpha'), scene.fleet.member('beta')];
    const [before, corrected] = [await worldOf(), await corrections()];
    const { heldAt, resumedAt } = await drift(alpha, command);
    await until('the correction', async () => (await corrections()) > corrected);
    expect(await worldOf()).toBe(before);
    const requests = alpha.host.agent.requests().filter(({ timestamp }) => timestamp >= heldAt);
    // The answer to the PUT carries what was read back. One look may have been under way: it has read the host before the drift, or in the midst of it, and then its change is refused.
    const words = requests.map(({ method, status }) => `${method} ${String(status)}`);
    expect(words.join(', ')).toMatch(/^(GET 304, |GET 200, PUT 409, )?GET 200, PUT 200(, GET 304)*$/);
    const seenAt = requests[words.indexOf('PUT 200') - 1]?.timestamp ?? '';
    const ofBeta = beta.host.agent.requests().filter(({ timestamp: at }) => at > resumedAt && at < seenAt);
    expect(ofBeta.length).toBeLessThanOrEqual(2);
  });

  test.each(DRIFTS.slice(0, 6))('%s is put right at once after reconcile-requested-at', async (_what, command) => {
    const before = await worldOf();
    await drift(scene.fleet.member('alpha'), command);
    await scene.fleet.requestReconcile('alpha');
    expect(await worldOf()).toBe(before);
  });

  test('Ready stays True over a correction, and an event tells of it', async () => {
    const { fleet, lab } = scene;
    /** How often an event told of it; repeats are counted in a series. */
    const told = async (): Promise<number> => {
      const args = ['get', 'events.events.k8s.io', '-n', NAMESPACE, '--field-selector', 'reason=DriftCorrected'];
      const { items } = JSON.parse(await lab.kube.mustKubectl([...args, '-o', 'json'])) as {
        items: { regarding: { name: string }; series?: { count: number } }[];
      };
      const ofAlpha = items.filter(({ regarding }) => regarding.name === 'alpha');
      return ofAlpha.reduce((sum, { series }) => sum + (series?.count ?? 1), 0);
    };
    // Events go out after the status that they belong to: a reconcile that is answered has sent those of all previous ones.
    await fleet.requestReconcile('alpha');
    const [before, corrected, toldBefore] = [await fleet.view('alpha'), await corrections(), await told()];
    await drift(fleet.member('alpha'), ['ip', 'link', 'set', INTERFACE, 'mtu', '1290']);
    await fleet.requestReconcile('alpha');
    const after = await fleet.view('alpha');
    expect(after.status.applied?.cause).toBe('DriftCorrected');
    expect(readyOf(after)).toBe(readyOf(before));
    await until('an event of the correction', async () => (await told()) > toldBefore);
    expect({ corrected: await corrections(), told: await told() }).toEqual({
      corrected: corrected + 1,
      told: toldBefore + 1,
    });
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
    const beta = fleet.member('beta');
    const { host } = beta;
    const change = ['ip', 'link', 'set', INTERFACE, 'mtu', '1300'];
    const puts = (): number =>
      host.agent.requests().filter(({ method, status }) => method === 'PUT' && status === 200).length;
    const isHealed = async (): Promise<boolean> =>
      (await host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`])).trim() === '1420';
    const [corrected, previousPuts] = [await corrections('spec.interface.mtu'), puts()];
    for (let round = 1; round <= 5; round += 1) {
      await drift(beta, change);
      // As the controller counts: the host is right before that, and a drift in between would be corrected together with this one.
      const counted = async (): Promise<boolean> => (await corrections('spec.interface.mtu')) === corrected + round;
      await until(`correction ${String(round)}`, counted);
      expect(await isHealed()).toBe(true);
    }
    await drift(beta, change);
    const view = await fleet.untilReason('beta', 'Contended');
    expect(puts()).toBe(previousPuts + 5);
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

import { afterAll, beforeEach, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERFACE, type Member, NAMESPACE } from '../support/fleet.ts';
import { kstatusOf } from '../support/kstatus.ts';
import { makeGate } from '../support/lab/gate.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

describe('an object from creation to deletion', () => {
  let scene: Scene;
  let alpha: Member;

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    alpha = scene.fleet.member('alpha');
    await scene.fleet.apply(...scene.fleet.secrets(alpha));
  });
  afterAll(() => scene.lab.stop());

  const isUp = async (): Promise<boolean> => (await alpha.host.exec(['ip', 'link', 'show', INTERFACE])).exitCode === 0;
  const hasFile = async (): Promise<boolean> => (await alpha.host.exec(['test', '-e', CONF])).exitCode === 0;
  const create = async (management: object = {}): Promise<void> => {
    await scene.fleet.apply(scene.fleet.node(alpha, { management }));
  };
  const remove = (): Promise<string> =>
    scene.lab.kube.mustKubectl(['delete', 'wgn', 'alpha', '-n', NAMESPACE, '--ignore-not-found']);
  const eventReasons = async (): Promise<string> =>
    scene.lab.kube.mustKubectl(['get', 'events.events.k8s.io', '-n', NAMESPACE, '-o', 'jsonpath={.items[*].reason}']);

  beforeEach(async () => {
    await alpha.host.writeFile(CONF, scene.fleet.peersFile(alpha));
  });
  afterEach(async () => {
    if (!alpha.host.agent.running) await alpha.host.agent.start();
    if (!scene.lab.controller.running) await scene.lab.controller.start({ args: ['--log-level', 'debug'] });
    await remove();
    await alpha.host.exec(['wg-quick', 'down', INTERFACE]);
  });

  test('state Down takes it down with its hooks, Up brings it back', async () => {
    await create();
    await scene.fleet.untilReason('alpha', 'InSync');
    expect(await alpha.host.mustExec(['iptables', '-S', 'FORWARD'])).toContain('-i wg0');
    await scene.fleet.patchInterface('alpha', { state: 'Down' });
    const down = await scene.fleet.untilReason('alpha', 'InSync');
    expect(down.status.interface?.state).toBe('Down');
    expect(await isUp()).toBe(false);
    expect(await alpha.host.mustExec(['iptables', '-S', 'FORWARD'])).not.toContain('-i wg0');
    await scene.fleet.patchInterface('alpha', { state: 'Up' });
    await scene.fleet.untilReason('alpha', 'InSync');
    expect(await isUp()).toBe(true);
  });

  test.each([
    ['Retain', true, true, 0],
    ['Disable', false, true, 1],
    ['Remove', false, false, 1],
  ] as const)(
    'K1 deletionPolicy %s leaves interface up: %s and file: %s',
    async (deletionPolicy, up, file, finalizers) => {
      await create({ deletionPolicy });
      const view = await scene.fleet.untilReason('alpha', 'InSync');
      expect(view.metadata.finalizers ?? []).toHaveLength(finalizers);
      await remove();
      expect({ up: await isUp(), file: await hasFile() }).toEqual({ up, file });
    },
  );

  test('T11 an interface that was removed by hand does not keep the object from going', async () => {
    await create();
    await scene.fleet.untilReason('alpha', 'InSync');
    await alpha.host.mustExec(['bash', '-c', `ip link delete ${INTERFACE}; rm ${CONF}`]);
    await remove();
    expect({ up: await isUp(), file: await hasFile() }).toEqual({ up: false, file: false });
  });

  test('I10 K1 with a dead agent the finalizer ends after deletionTimeoutSeconds, with a Warning event and a counter', async () => {
    await create({ deletionTimeoutSeconds: 1 });
    await scene.fleet.untilReason('alpha', 'InSync');
    await alpha.host.agent.kill();
    await remove();
    expect(await eventReasons()).toContain('DeletionTimedOut');
    expect(await scene.lab.controller.metric('wgnode_deletions_total', { reason: 'timed_out' })).toBe(1);
    expect(await isUp()).toBe(true);
  });

  test('A1 a dead agent is Unknown and Reconciling with the reason, the tunnel goes on, and a restarted agent heals it', async () => {
    await create();
    await scene.fleet.untilReason('alpha', 'InSync');
    await alpha.host.agent.kill();
    await scene.fleet.patch('alpha', { metadata: { annotations: { 'wgnode.dev/reconcile-requested-at': 'now' } } });
    const view = await scene.fleet.untilReason('alpha', 'AgentUnreachable');
    expect(view.status.conditions.find(({ type }) => type === 'Reachable')).toMatchObject({
      status: 'False',
      reason: 'ConnectionRefused',
    });
    expect(kstatusOf(view)).toBe('InProgress');
    expect(await isUp()).toBe(true);
    await alpha.host.agent.start();
    await scene.fleet.untilReason('alpha', 'InSync');
  });

  test('mode Observe reports differences and the plan, and changes nothing', async () => {
    await create({ mode: 'Observe' });
    const view = await scene.fleet.untilReason('alpha', 'Observed');
    expect(kstatusOf(view)).toBe('Current');
    expect(view.status.conditions.find(({ type }) => type === 'Synced')).toMatchObject({
      status: 'False',
      reason: 'Drifted',
    });
    expect(view.status.drift?.length).toBeGreaterThan(0);
    expect(view.status.plan?.steps.map(({ action }) => action)).toEqual(['write-file', 'up']);
    expect(await isUp()).toBe(false);
    await scene.fleet.patch('alpha', { spec: { management: { mode: 'Enforce' } } });
    await scene.fleet.untilReason('alpha', 'InSync');
  });

  test('maxImpact holds a plan above it back and shows it', async () => {
    await create({ maxImpact: 'None' });
    await scene.fleet.untilReason('alpha', 'InSync');
    await scene.fleet.patchInterface('alpha', { table: 'None' });
    const view = await scene.fleet.untilReason('alpha', 'ImpactNotAllowed');
    expect(view.status.plan).toMatchObject({ impact: 'Restart' });
    expect(await alpha.host.readFile(CONF)).not.toContain('Table');
    await scene.fleet.patch('alpha', { spec: { management: { maxImpact: 'Restart' } } });
    await scene.fleet.untilReason('alpha', 'InSync');
    expect(await alpha.host.readFile(CONF)).toContain('Table = off');
  });

  test('suspend sends nothing to the host, is said in status, and ends with resume', async () => {
    await create();
    await scene.fleet.untilReason('alpha', 'InSync');
    await scene.fleet.patch('alpha', { spec: { suspend: true, interface: { mtu: 1300 } } });
    await scene.fleet.untilReason('alpha', 'Suspended');
    await alpha.host.mustExec(['ip', 'link', 'set', INTERFACE, 'mtu', '1290']);
    await scene.fleet.requestReconcile('alpha');
    expect((await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`])).trim()).toBe('1290');
    await scene.fleet.patch('alpha', { spec: { suspend: false } });
    await scene.fleet.untilReason('alpha', 'InSync');
    expect((await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`])).trim()).toBe('1300');
  });

  test('a Secret that comes after its object wakes it at once', async () => {
    await scene.lab.kube.mustKubectl(['delete', 'secret', 'alpha-wg0', '-n', NAMESPACE]);
    // By itself it is looked at again after an hour: within any patience, only the Secret can wake it.
    await create({ intervalSeconds: 3600 });
    await scene.fleet.untilReason('alpha', 'SecretNotFound');
    await scene.fleet.apply(...scene.fleet.secrets(alpha));
    await scene.fleet.untilReason('alpha', 'InSync');
  });

  test('D12 a host that starts anew brings its tunnel up by the agent alone', async () => {
    await create();
    await scene.fleet.untilReason('alpha', 'InSync');
    await scene.lab.controller.stop();
    await alpha.host.agent.kill();
    await alpha.host.mustExec(['ip', 'link', 'delete', INTERFACE]);
    await alpha.host.agent.start();
    await until('the tunnel to come up', isUp);
    await scene.lab.controller.start({ args: ['--log-level', 'debug'] });
  });

  test('the API server away for a while costs nothing on the hosts, and edits made after it are acted on', async () => {
    await create();
    await scene.fleet.untilReason('alpha', 'InSync');
    await scene.lab.kube.restart();
    await until(
      'the API server to answer',
      async () => (await scene.lab.kube.kubectl(['get', 'wgn', '-A'])).exitCode === 0,
    );
    await scene.fleet.patchInterface('alpha', { mtu: 1390 });
    await scene.fleet.untilReason('alpha', 'InSync');
    expect((await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`])).trim()).toBe('1390');
  });

  test('C2 SIGTERM ends the controller with exit code 0 well within its grace', async () => {
    const { controller } = scene.lab;
    const messages = (): string[] => controller.logText().match(/(?<="message":")(stopping|stopped)(?=")/g) ?? [];
    const known = messages().length;
    const gate = await makeGate(alpha.host);
    await scene.fleet.apply(scene.fleet.node(alpha, { interface: { postUp: [gate.hook], preDown: [] } }));
    await until('the change to be under way', async () =>
      (await alpha.host.mustExec(['ls', '/var/lib/wgnode/journal'])).includes(INTERFACE),
    );
    const ended = controller.stop();
    await until('the signal to be heard', () => messages().length > known);
    await gate.open();
    await ended;
    // By itself, not killed. At the end of its grace it gives up what is under way: that it was finished and written shows that the
    // end came before.
    expect({ ending: controller.ending, messages: messages().slice(known) }).toEqual({
      ending: 0,
      messages: ['stopping', 'stopped'],
    });
    const { metadata, status } = await scene.fleet.view('alpha');
    expect(status.observedGeneration).toBe(metadata.generation);
    expect(status.conditions.find(({ type }) => type === 'Ready')?.reason).toBe('InSync');
    await gate.remove();
    await controller.start({ args: ['--log-level', 'debug'] });
    await scene.fleet.requestReconcile('alpha');
    await scene.fleet.untilReason('alpha', 'InSync');
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey, newSecretText } from '../support/canary.ts';
import { INTERFACE, type Member, NAMESPACE, type NodeView, PORT } from '../support/fleet.ts';
import { OldLabAgent } from '../support/lab/old-lab-agent.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;
const QUIET_MS = isFull ? 60_000 : 20_000;

// alpha is served by the WGDashboard node agent, beta by ours; the tunnel is between the two.
describe('a host behind the WGDashboard node agent', () => {
  let scene: Scene;
  let alpha: Member;
  let beta: Member;
  let old: OldLabAgent;

  const sh = (script: string): Promise<string> => alpha.host.mustExec(['bash', '-c', script]);
  const file = (): Promise<string> => alpha.host.readFile(CONF);
  const isUp = async (): Promise<boolean> => (await alpha.host.exec(['ip', 'link', 'show', INTERFACE])).exitCode === 0;
  const peerSection = (): string => {
    const key = publicKeyOf(new Secret(beta.privateKey));
    return `[Peer]\n# beta, by hand\nPublicKey = ${key}\nAllowedIPs = ${beta.address}/32\nEndpoint = ${beta.host.address}:${String(PORT)}\n`;
  };
  const node = (over: object = {}): object => {
    const made = scene.fleet.node(alpha, over) as { spec: { agent: object } };
    return { ...made, spec: { ...made.spec, agent: { ...made.spec.agent, url: old.url } } };
  };
  const inSync = (): Promise<NodeView> => scene.fleet.untilReason('alpha', 'InSync');
  const change = async (patch: object): Promise<NodeView> => {
    await scene.fleet.patchInterface('alpha', patch);
    return inSync();
  };
  /** What must survive everything. */
  const keepsPeers = async (): Promise<void> => {
    expect(await file()).toContain(peerSection().trim());
    expect(await sh(`wg show ${INTERFACE} peers`)).toContain(publicKeyOf(new Secret(beta.privateKey)));
    await scene.fleet.untilReaches(alpha, beta);
  };
  const condition = (view: NodeView, name: string): NodeView['status']['conditions'][number] | undefined =>
    view.status.conditions.find(({ type }) => type === name);
  const corrections = (): Promise<number> => scene.lab.controller.metric('wgnode_drift_corrected_total');
  const drift = async (script: string): Promise<void> => {
    const before = await corrections();
    await scene.lab.controller.heldStill(() => sh(script));
    await until('the drift to be put right', async () => (await corrections()) > before);
    await inSync();
  };

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet, lab } = scene;
    [alpha, beta] = [fleet.member('alpha'), fleet.member('beta')];
    old = new OldLabAgent(alpha.host, lab.folder);
    await lab.controller.stop();
    await lab.controller.start({ args: ['--log-level', 'debug', '--allow-http-agents'] });
    await alpha.host.agent.stop();
    await alpha.host.writeFile(CONF, peerSection());
    await old.start();
    await fleet.apply(...fleet.members.flatMap((member) => fleet.secrets(member)), fleet.node(beta));
    await fleet.untilReason('beta', 'InSync');
  });
  afterAll(async () => {
    await old.kill();
    await scene.lab.stop();
  });

  test('is created, says who answers and what it cannot, and the tunnel carries traffic', async () => {
    await scene.fleet.apply(node());
    const view = await inSync();
    await keepsPeers();
    expect(view.status).toMatchObject({
      agent: { name: 'WGDashboard node agent', version: '2.2.0', limits: expect.arrayContaining([expect.any(String)]) },
      interface: { state: 'Up', peerCount: 1 },
    });
    // What the agent does not show is not claimed.
    expect(Object.keys(view.status.interface ?? {}).sort()).toEqual(['peerCount', 'state']);
    expect(condition(view, 'Ready')?.message).toContain('does not show what the kernel has');
    expect(await sh('iptables -S FORWARD')).toContain('-i wg0');
  });

  test.each<[string, object, string]>([
    ['mtu', { mtu: 1380 }, 'MTU = 1380'],
    ['listenPort', { listenPort: 51_900 }, 'ListenPort = 51900'],
    ['addresses', { addresses: ['10.77.0.1/24', '10.78.0.1/24'] }, 'Address = 10.77.0.1/24, 10.78.0.1/24'],
    ['dns', { dns: ['192.0.2.54', 'example.net'] }, 'DNS = 192.0.2.54, example.net'],
    ['dns, none', { dns: [] }, 'ListenPort = 51900'],
    ['table', { table: 4242 }, 'Table = 4242'],
    ['table None', { table: 'None' }, 'Table = off'],
    ['table Auto', { table: 'Auto' }, 'ListenPort = 51900'],
  ])('%s is changed in file and kernel', async (_, patch, line) => {
    const view = await change(patch);
    expect(view.status.applied).toMatchObject({ cause: 'SpecChanged', impact: 'Restart' });
    expect(await file()).toContain(`${line}\n`);
    const { mtu, listenPort, dns } = patch as { mtu?: number; listenPort?: number; dns?: string[] };
    if (dns !== undefined) expect((await sh('resolvconf -l || true')).includes('192.0.2.54')).toBe(dns.length > 0);
    if (mtu !== undefined) expect(await sh(`cat /sys/class/net/${INTERFACE}/mtu`)).toBe(`${String(mtu)}\n`);
    if (listenPort !== undefined) expect(await sh(`wg show ${INTERFACE} listen-port`)).toBe(`${String(listenPort)}\n`);
    // `Table = off` and another table make no route that this can be tried by.
    if (!('table' in patch) || patch.table === 'Auto') await keepsPeers();
  });

  test('N12 several hooks go through one line, and the old ones are torn down by what was there when they ran', async () => {
    const rule = (port: number): string => `iptables -w -A INPUT -p udp --dport ${String(port)} -j ACCEPT`;
    const undo = (port: number): string => rule(port).replace('-A', '-D');
    await change({ postUp: [rule(1001), rule(1002)], preDown: [undo(1001), undo(1002)] });
    expect(await file()).toContain(`PostUp = ${rule(1001)}; ${rule(1002)}\n`);
    expect(await sh('iptables -S FORWARD')).not.toContain('-i wg0');
    await change({ postUp: [rule(1003)], preDown: [undo(1003)] });
    const rules = await sh('iptables -S INPUT');
    expect(rules).toContain('--dport 1003');
    expect(rules).not.toMatch(/--dport 100[12]/);
    await keepsPeers();
  });

  test('the key is rotated, there and back', async () => {
    for (const privateKey of [newPrivateKey(), alpha.privateKey]) {
      await scene.fleet.apply(scene.fleet.secret('alpha-wg0', { privateKey }));
      const wanted = publicKeyOf(new Secret(privateKey));
      await until('the new key to run', async () => (await sh(`wg show ${INTERFACE} public-key`)).trim() === wanted);
      await until('status to say so', async () => (await inSync()).status.applied?.publicKey === wanted);
    }
    await keepsPeers();
  });

  test('D11 drift of the file, and an interface that is gone, are put right', async () => {
    await drift(`sed -i 's/^MTU.*/MTU = 1300/' ${CONF}`);
    expect(await file()).toContain('MTU = 1380');
    await drift(`wg-quick down ${INTERFACE}`);
    // Whoever deletes it by hand leaves the rules of its hooks.
    await drift(`ip link delete ${INTERFACE}; iptables -w -D INPUT -p udp --dport 1003 -j ACCEPT`);
    expect(await isUp()).toBe(true);
    await drift(`rm ${CONF}`);
    expect(await file()).toContain('MTU = 1380');
    // That file had the only peer with its comment: the kernel's was kept.
    expect(await sh(`wg show ${INTERFACE} peers`)).toContain(publicKeyOf(new Secret(beta.privateKey)));
    await scene.lab.controller.heldStill(async () => {
      await sh(
        `wg-quick down ${INTERFACE}; printf '\\n%s' '${peerSection()}' > /tmp/peer; sed -i '/^\\[Peer\\]/,$d' ${CONF}; cat /tmp/peer >> ${CONF}; wg-quick up ${INTERFACE}`,
      );
    });
  });

  test('a peer that only runs, and one that only stands in the file, survive a change', async () => {
    const [running, written] = [publicKeyOf(new Secret(newPrivateKey())), publicKeyOf(new Secret(newPrivateKey()))];
    await scene.lab.controller.heldStill(async () => {
      await sh(
        `wg set ${INTERFACE} peer ${running} allowed-ips 10.77.0.8/32; printf '\\n[Peer]\\nPublicKey = ${written}\\nAllowedIPs = 10.77.0.9/32\\n' >> ${CONF}`,
      );
    });
    await change({ mtu: 1370 });
    for (const key of [running, written]) {
      expect(await file()).toContain(key);
      expect(await sh(`wg show ${INTERFACE} peers`)).toContain(key);
    }
    await scene.fleet.untilReaches(alpha, beta);
  });

  test('state Down runs its hooks and keeps the file, Up brings it back', async () => {
    expect((await change({ state: 'Down' })).status.interface?.state).toBe('Down');
    expect(await isUp()).toBe(false);
    expect(await sh('iptables -S INPUT')).not.toContain('--dport 1003');
    await change({ state: 'Up' });
    expect(await isUp()).toBe(true);
    await scene.fleet.untilReaches(alpha, beta);
  });

  test('6.9 a change that fails (500) is said, and the former tunnel runs', async () => {
    const before = await file();
    await scene.fleet.patchInterface('alpha', { mtu: 1360, postUp: ['echo on; test -e /tmp/never'] });
    const view = await scene.fleet.untilReason('alpha', 'ApplyFailed');
    expect(condition(view, 'Ready')?.message).toContain('Failed to enable interface');
    await scene.fleet.suspended('alpha', async () => {
      expect(await isUp()).toBe(true);
      expect((await file()).trim()).toBe(before.trim());
      await scene.fleet.untilReaches(alpha, beta);
    });
    await change({ mtu: 1370, postUp: ['iptables -w -A INPUT -p udp --dport 1003 -j ACCEPT'] });
  });

  test('6.15 what the agent cannot write is Unsupported by its name, and nothing is touched', async () => {
    const before = await file();
    await scene.fleet.patchInterface('alpha', { fwMark: 7 });
    const view = await scene.fleet.untilReason('alpha', 'Unsupported');
    expect(condition(view, 'Ready')?.message).toContain('spec.interface.fwMark');
    expect(await file()).toBe(before);
    await change({ fwMark: null });
  });

  test('a restart of the agent changes nothing; its absence, a wrong secret and a wrong clock are told apart', async () => {
    const version = (await scene.fleet.view('alpha')).status.applied?.time;
    const reachable = async (reason: string): Promise<void> => {
      await until(`Reachable to be ${reason}`, async () => {
        const view = await scene.fleet.view('alpha');
        return condition(view, 'Reachable')?.reason === reason;
      });
    };
    await old.kill();
    await reachable('ConnectionRefused');
    await old.start({ secret: newSecretText() });
    await reachable('SignatureRejected');
    if (!old.isReal) {
      await old.kill();
      await old.start({ skewMs: 900_000 });
      await scene.fleet.patch('alpha', { metadata: { annotations: { 'wgnode.dev/reconcile-requested-at': 'skew' } } });
      await reachable('ClockSkew');
    }
    await old.kill();
    await old.start();
    await scene.fleet.patch('alpha', { metadata: { annotations: { 'wgnode.dev/reconcile-requested-at': 'well' } } });
    expect((await inSync()).status.applied?.time).toBe(version);
    await scene.fleet.untilReaches(alpha, beta);
  });

  test('I5 at rest nothing is sent, and nothing is written', async () => {
    await scene.fleet.requestReconcile('alpha');
    const calls = (): Promise<number> =>
      scene.lab.controller.metric('wgnode_agent_requests_total', { operation: 'put' });
    const reads = (): Promise<number> =>
      scene.lab.controller.metric('wgnode_agent_requests_total', { operation: 'dump' });
    const before = {
      puts: await calls(),
      reads: await reads(),
      version: (await scene.fleet.view('alpha')).metadata.resourceVersion,
    };
    const started = performance.now();
    await until('the quiet time to pass', () => performance.now() - started > QUIET_MS, {
      ...{ timeoutMs: 5 * QUIET_MS, intervalMs: 1_000 },
    });
    expect({ puts: await calls(), version: (await scene.fleet.view('alpha')).metadata.resourceVersion }).toEqual({
      ...{ puts: before.puts, version: before.version },
    });
    expect(await reads()).toBeGreaterThan(before.reads);
  });

  test('our agent takes its place without a lost packet, and it takes ours', async () => {
    await sh('mv /etc/wgnode/agent.yaml /tmp/agent.yaml');
    const link = await sh(`cat /sys/class/net/${INTERFACE}/ifindex`);
    const ping = await alpha.host.startPing(beta.address);
    const name = async (): Promise<string | undefined> =>
      ((await scene.fleet.view('alpha')).status as { agent?: { name?: string } }).agent?.name;
    await old.kill();
    await old.startOurs();
    await until('our agent to be known', async () => (await name()) === 'wgnode-agent');
    await inSync();
    await old.kill();
    await old.start();
    await until('the old agent to be known again', async () => (await name()) === 'WGDashboard node agent');
    await inSync();
    const { lost } = await ping.stop();
    expect({ lost, link: await sh(`cat /sys/class/net/${INTERFACE}/ifindex`) }).toEqual({ lost: 0, link });
    await sh('mv /tmp/agent.yaml /etc/wgnode/agent.yaml');
  });

  test.each([
    ['Disable', true],
    ['Remove', false],
  ] as const)('K1 deletionPolicy %s takes it down, and leaves the file: %s', async (deletionPolicy, isLeft) => {
    if (deletionPolicy === 'Disable') await scene.fleet.patch('alpha', { spec: { management: { deletionPolicy } } });
    else await scene.fleet.apply(node({ management: { deletionPolicy } }));
    await inSync();
    await scene.lab.kube.mustKubectl(['delete', 'wgn', 'alpha', '-n', NAMESPACE]);
    const hasFile = (await alpha.host.exec(['test', '-e', CONF])).exitCode === 0;
    expect({ up: await isUp(), file: hasFile }).toEqual({ up: false, file: isLeft });
  });

  test('I4 no key is in any log, object, event, metric, argument or environment of ours', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});

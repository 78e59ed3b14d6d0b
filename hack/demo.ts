import { parseArgs } from 'node:util';
import { Fleet, INTERFACE, KEPT_COMMENT, type Member, NAMESPACE } from '../test/support/fleet.ts';
import { newPrivateKey } from '../test/support/canary.ts';
import { startLab, type Lab } from '../test/support/lab/start-lab.ts';
import { until } from '../test/support/until.ts';

const HELP = `demo: a cluster, three hosts and the tunnels between them, managed by WireGuardNode objects, all on this machine

Usage: npm run demo [-- --keep]

  --keep   leave everything running at the end and print how to look around; Ctrl-C removes it

Example:
  npm run demo
  npm run demo -- --keep
`;

interface Step {
  readonly title: string;
  /** Returns what was seen, in one line. */
  readonly run: () => Promise<string>;
}

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/** The steps of the demo; each shows one thing and proves it on the host. */
class Demo {
  readonly #lab: Lab;
  readonly #fleet: Fleet;

  constructor(lab: Lab, fleet: Fleet) {
    this.#lab = lab;
    this.#fleet = fleet;
  }

  steps(): Step[] {
    return [
      { title: 'Apply CRD, RBAC and the controller', run: () => this.#install() },
      { title: 'Apply three WireGuardNodes and their Secrets with kubectl, wait for Ready', run: () => this.#apply() },
      { title: 'Ping through each tunnel', run: () => this.#pingAll() },
      { title: 'Edit the MTU while a ping runs', run: () => this.#editMtu() },
      { title: 'Remove the address by hand on the host', run: () => this.#removeAddress() },
      { title: 'Edit the file by hand on the host', run: () => this.#editFile() },
      { title: 'Rotate the private key Secret', run: () => this.#rotateKey() },
      { title: 'State Down, then Up', run: () => this.#downAndUp() },
      { title: 'A bad private key', run: () => this.#badKey() },
      { title: 'Delete an object (deletionPolicy Remove)', run: () => this.#delete() },
    ];
  }

  get #alpha(): Member {
    return this.#fleet.member('alpha');
  }

  get #beta(): Member {
    return this.#fleet.member('beta');
  }

  async #install(): Promise<string> {
    await this.#lab.kube.install();
    await this.#lab.controller.start();
    return 'the controller runs as its own service account, with the RBAC of manifests/';
  }

  async #apply(): Promise<string> {
    const { members } = this.#fleet;
    await this.#fleet.apply(...members.flatMap((member) => [...this.#fleet.secrets(member), this.#fleet.node(member)]));
    await this.#lab.kube.mustKubectl([
      'wait',
      '-n',
      NAMESPACE,
      '--for=condition=Ready',
      'wgn',
      '--all',
      '--timeout=30s',
    ]);
    return `all Ready\n\n${indent(await this.#lab.kube.mustKubectl(['get', 'wgn', '-n', NAMESPACE]))}`;
  }

  async #pingAll(): Promise<string> {
    const pairs = this.#fleet.members.flatMap((from) =>
      this.#fleet.members.filter((to) => to !== from).map((to) => [from, to] as const),
    );
    for (const [from, to] of pairs) {
      await until(
        `${from.name} to reach ${to.name}`,
        async () => (await from.host.exec(['ping', '-c', '1', '-W', '1', to.address])).exitCode === 0,
      );
    }
    return `${String(pairs.length)} of ${String(pairs.length)} directions answer`;
  }

  async #editMtu(): Promise<string> {
    const ping = await this.#beta.host.startPing(this.#alpha.address);
    await this.#fleet.patchInterface('alpha', { mtu: 1380 });
    await this.#fleet.untilReason('alpha', 'InSync');
    await until('100 pings', () => ping.sent() >= 100);
    const { sent, lost, longestGapMs } = await ping.stop();
    expect(lost === 0, `${String(lost)} of ${String(sent)} pings were lost`);
    await this.#expectOnHost(this.#alpha, ['ip', 'link', 'show', INTERFACE], 'mtu 1380');
    return `mtu 1380 in kernel and file; ${String(sent)} pings at 20 ms, ${String(lost)} lost, longest gap ${longestGapMs.toFixed(0)} ms`;
  }

  async #removeAddress(): Promise<string> {
    const { host, address } = this.#alpha;
    await host.mustExec(['ip', 'address', 'delete', `${address}/24`, 'dev', INTERFACE]);
    const started = performance.now();
    const has = async (): Promise<boolean> =>
      (await host.mustExec(['ip', 'address', 'show', INTERFACE])).includes(`${address}/24`);
    await until('the address to come back', has, { timeoutMs: 15_000 });
    return `put back after ${seconds(started)} (interval 5 s)`;
  }

  async #editFile(): Promise<string> {
    const { host } = this.#alpha;
    const before = await this.#fleet.file(this.#alpha);
    await host.mustExec(['sed', '-i', 's/^MTU = .*/MTU = 1300/', `/etc/wireguard/${INTERFACE}.conf`]);
    const started = performance.now();
    await this.#fleet.requestReconcile('alpha');
    await until('the file to be put right', async () => (await this.#fleet.file(this.#alpha)) === before);
    expect(before.includes(KEPT_COMMENT), 'the comment in the file is lost');
    return `put right ${seconds(started)} after reconcile-requested-at; comment and peers of the file are still there`;
  }

  async #rotateKey(): Promise<string> {
    const before = (await this.#fleet.view('beta')).status.interface?.publicKey;
    this.#beta.privateKey = newPrivateKey();
    await this.#fleet.apply(...this.#fleet.secrets(this.#beta));
    const after = await until('the new public key in status', async () => {
      const key = (await this.#fleet.view('beta')).status.interface?.publicKey;
      return key === before ? undefined : key;
    });
    for (const other of this.#fleet.members.filter((member) => member !== this.#beta)) {
      const peer = [
        'peer',
        after,
        'allowed-ips',
        `${this.#beta.address}/32`,
        'endpoint',
        `${this.#beta.host.address}:51820`,
      ];
      await other.host.mustExec(['wg', 'set', INTERFACE, 'peer', before ?? '', 'remove']);
      await other.host.mustExec(['wg', 'set', INTERFACE, ...peer]);
    }
    await this.#pingAll();
    return `public key ${(before ?? '').slice(0, 8)}... -> ${after.slice(0, 8)}...; peers told by hand, all directions answer`;
  }

  async #downAndUp(): Promise<string> {
    const started = performance.now();
    await this.#fleet.patchInterface('beta', { state: 'Down' });
    await this.#fleet.untilReason('beta', 'InSync');
    expect(
      (await this.#beta.host.exec(['ip', 'link', 'show', INTERFACE])).exitCode !== 0,
      'the interface is still there',
    );
    const down = seconds(started);
    const upStarted = performance.now();
    await this.#fleet.patchInterface('beta', { state: 'Up' });
    await this.#fleet.untilReason('beta', 'InSync');
    const up = seconds(upStarted);
    await this.#pingAll();
    return `down in ${down}, up in ${up}, all directions answer`;
  }

  async #badKey(): Promise<string> {
    const ping = await this.#beta.host.startPing(this.#alpha.address);
    const good = this.#fleet.secrets(this.#alpha);
    await this.#fleet.apply(this.#fleet.secret('alpha-wg0', { privateKey: 'not a key' }));
    const view = await this.#fleet.untilReason('alpha', 'InvalidKey');
    await this.#fleet.apply(...good);
    await this.#fleet.untilReason('alpha', 'InSync');
    const { sent, lost } = await ping.stop();
    expect(lost === 0, `${String(lost)} of ${String(sent)} pings were lost`);
    const stalled = view.status.conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');
    expect(stalled, 'the object is not Stalled');
    return `refused as InvalidKey and Stalled; ${String(sent)} pings meanwhile, ${String(lost)} lost; healed by the good key`;
  }

  async #delete(): Promise<string> {
    const { host } = this.#fleet.member('gamma');
    await this.#lab.kube.mustKubectl(['delete', 'wgn', 'gamma', '-n', NAMESPACE, '--timeout=20s']);
    expect((await host.exec(['ip', 'link', 'show', INTERFACE])).exitCode !== 0, 'the interface is still there');
    expect(
      (await host.exec(['test', '-e', `/etc/wireguard/${INTERFACE}.conf`])).exitCode !== 0,
      'the file is still there',
    );
    return 'interface and file are gone from the host, the object from the cluster';
  }

  async #expectOnHost(member: Member, argv: string[], text: string): Promise<void> {
    const output = await member.host.mustExec(argv);
    expect(output.includes(text), `\`${argv.join(' ')}\` on ${member.name} does not show "${text}"`);
  }
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

const indent = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n') + '\n';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function keepRunning(lab: Lab): Promise<void> {
  say(`\nEverything runs on. Look around in another terminal:

  export KUBECONFIG=${lab.kube.adminKubeconfig}
  kubectl get wgn -n ${NAMESPACE} -o wide        # any kubectl, or the one in $(hack/kube-assets)
  ${lab.host('alpha').argvFor(['bash']).join(' ')}   # enters the host alpha: wg show, ping 10.77.0.2, cat /etc/wireguard/wg0.conf
  tail -f ${lab.controller.logFile}
  curl ${lab.controller.metricsUrl}

Play what others do to a host, and see it put right within 5 s: in alpha,

  ip link set wg0 mtu 1300
  ip address flush dev wg0
  sed -i s/^MTU.*/MTU=1300/ /etc/wireguard/wg0.conf

Ctrl-C removes everything.`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    // Signal handlers alone do not keep a process alive.
    setInterval(() => undefined, 60_000);
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    say(HELP);
    return 0;
  }
  const started = performance.now();
  say('wgnode demo: one API server, three hosts outside of it, tunnels between them\n');
  const lab = await startLab({
    hosts: ['alpha', 'beta', 'gamma'],
    onProgress: (line) => {
      say(`        ${line}`);
    },
  });
  let passed = 0;
  let failure = '';
  try {
    const steps = new Demo(lab, await Fleet.make(lab)).steps();
    for (const [index, { title, run }] of steps.entries()) {
      const stepStarted = performance.now();
      const number = `${String(index + 1).padStart(2)}/${String(steps.length)}`;
      try {
        const seen = await run();
        passed += 1;
        say(` ${number}  ${title.padEnd(74)} ${seconds(stepStarted).padStart(7)}\n        ${seen}`);
      } catch (error) {
        failure = `step ${String(index + 1)}, "${title}": ${error instanceof Error ? error.message : String(error)}`;
        say(` ${number}  ${title}: FAILED`);
        break;
      }
    }
    if (values.keep === true) await keepRunning(lab);
  } finally {
    await lab.stop();
  }
  say(
    failure === ''
      ? `\nAll ${String(passed)} steps passed in ${seconds(started)}; everything was removed.`
      : `\nFailed at ${failure}`,
  );
  return failure === '' ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

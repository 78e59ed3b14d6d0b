import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { newPrivateKey } from '../support/canary.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import type { LabHost } from '../support/lab/start-host.ts';
import { QUICK_FILES } from '../support/quick-files.ts';
import { leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

const NAMES = QUICK_FILES.map((_, index) => `wg${String(index)}`);

interface Seen {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly interface: { readonly name: string } };
  readonly status: {
    readonly drift?: readonly { readonly path: string }[];
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  };
}

describe('a host whose WireGuard runs already comes under management', () => {
  let lab: Lab;
  let host: LabHost;
  let enrolled: string;

  const agent = (...args: readonly string[]): Promise<string> =>
    host.mustExec([process.execPath, repositoryPath('agent/main.ts'), ...args]);
  const sh = (script: string): Promise<string> => host.mustExec(['sh', '-ec', script]);
  /** Files and devices, as they are. */
  const state = (): Promise<string> =>
    sh(
      `cat /etc/wireguard/*.conf; wg show all dump | cut -f1,2,3,4,5,6; ip -o address | sed 's/valid_lft.*//'; ip rule; ip route show table all`,
    );

  beforeAll(async () => {
    lab = await startLab({ hosts: ['fra1'] });
    host = lab.host('fra1');
    await lab.kube.install();
    await lab.controller.start();
    await lab.kube.mustKubectl(['create', 'namespace', 'edge']);
    await sh('rm /etc/wgnode/*');
    for (const [index, { text, isUp, what }] of QUICK_FILES.entries()) {
      const name = NAMES[index] ?? '';
      const peer = (await sh(`echo ${newPrivateKey()} | wg pubkey`)).trim();
      const own = text
        .replaceAll('{key}', newPrivateKey())
        .replaceAll('{peer}', peer)
        .replaceAll('{psk}', newPrivateKey())
        .replaceAll('{n}', String(index));
      await host.writeFile(`/etc/wireguard/${name}.conf`, what.startsWith('a byte order') ? `\ufeff${own}` : own);
      if (isUp) await sh(`wg-quick up ${name}`);
    }
  });
  afterAll(() => lab.stop());

  test('init makes what is missing, says so, and overwrites nothing', async () => {
    const made = await agent('init');
    expect(made.match(/^made /gm)).toHaveLength(5);
    const before = await sh('cd /etc/wgnode && stat -c "%n %a %U" * && md5sum *');
    expect(before).toMatch(/agent.yaml 600 root[\s\S]*ca.key 600 root[\s\S]*tls.key 600 root/);
    expect((await agent('init')).match(/^kept /gm)).toHaveLength(3);
    expect(await sh('cd /etc/wgnode && stat -c "%n %a %U" * && md5sum *')).toBe(before);
  });

  test('enroll without an agent says what to do, in a sentence', async () => {
    const result = await host.exec([process.execPath, repositoryPath('agent/main.ts'), 'enroll', '--all']);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/^wgnode-agent: No agent listens at .* systemctl start wgnode-agent[^\n]*\n$/);
  });

  test('enroll | kubectl apply, and the first reconcile changes nothing, or the output says what it would', async () => {
    await host.agent.start({}, await host.readFile('/etc/wgnode/ca.crt'));
    const before = await state();
    enrolled = await agent('enroll', '--all', '--name', 'fra1');
    await lab.kube.mustKubectl(['apply', '-f', '-'], { stdin: enrolled });
    const views = await until('every object to have been looked at', async () => {
      const { items } = JSON.parse(await lab.kube.mustKubectl(['get', 'wgn', '-n', 'edge', '-o', 'json'])) as {
        items: Seen[];
      };
      const isSeen = ({ status }: Seen): boolean =>
        status.conditions.some(({ type, status: value }) => type === 'Reachable' && value === 'True');
      return items.length === NAMES.length && items.every(isSeen) ? items : undefined;
    });
    const wrong = views.flatMap(({ spec, status, metadata }) => {
      const { what = '' } = QUICK_FILES[NAMES.indexOf(spec.interface.name)] ?? {};
      const document =
        enrolled
          .split('---\n')
          .find((text) => text.includes(`kind: WireGuardNode`) && text.includes(`\n  name: ${metadata.name}\n`)) ?? '';
      const told = [...document.matchAll(/^# would change: (\S+)/gm)].map(([, path = '']) => path);
      const found = (status.drift ?? []).map(({ path }) => path);
      const ready = status.conditions.find(({ type }) => type === 'Ready');
      const isRight = JSON.stringify(told.sort()) === JSON.stringify([...found].sort());
      return isRight && ready?.status === 'True'
        ? []
        : [`${what}: told ${told.join()}, found ${found.join()}; ${ready?.message ?? ''}`];
    });
    expect(wrong).toEqual([]);
    expect(await state()).toBe(before);
  });

  test('import says the same of the files alone', async () => {
    const imported = await agent(
      'import',
      ...NAMES.map((name) => `/etc/wireguard/${name}.conf`),
      '--address',
      host.address,
      '--name',
      'fra1',
    );
    const nodesOf = (text: string): Map<string, unknown> =>
      new Map(
        (loadAll(text) as { kind: string; spec: { interface: { name: string; state: string } } }[])
          .filter(({ kind }) => kind === 'WireGuardNode')
          .map(({ spec }) => [spec.interface.name, { ...spec.interface, state: '' }]),
      );
    expect(nodesOf(imported)).toEqual(nodesOf(enrolled));
  });

  test('in Enforce an interface that the object says nothing new of is left as it is', async () => {
    const before = await state();
    const up = NAMES.filter((_, index) => QUICK_FILES[index]?.isUp);
    for (const name of up)
      await lab.kube.mustKubectl([
        'patch',
        'wgn',
        `fra1-${name}`,
        '-n',
        'edge',
        '--type=merge',
        '-p',
        '{"spec":{"management":{"mode":"Enforce"}}}',
      ]);
    for (const name of up)
      await lab.kube.mustKubectl([
        'wait',
        '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=InSync',
        '--timeout=60s',
        'wgn',
        `fra1-${name}`,
        '-n',
        'edge',
      ]);
    expect(await state()).toBe(before);
  });

  test('status, check and plan tell of it in lines that fit a screen', async () => {
    const status = await agent('status', '-o', 'wide');
    expect(status).toContain('edge/fra1-wg0');
    expect(status).toMatch(/certificate: 8\d\d days left/);
    expect(status).not.toMatch(/ +$/m);
    const check = await agent('check');
    expect(check).toMatch(/^ok +configuration/m);
    expect(check).toMatch(/^ok +wg +installed/m);
    expect(check).toMatch(/^warning +wg15 SaveConfig/m);
    await sh("sed 's/^MTU.*/MTU = 1300/' /etc/wireguard/wg6.conf > /root/wg6.conf");
    expect(await agent('plan', '/root/wg6.conf')).toMatch(/set-mtu +spec.interface.mtu +None/);
    expect(await agent('plan', '/etc/wireguard/wg6.conf')).toContain('nothing would be done');
  });

  test('renew: the running agent shows the new certificate, and status tells when it ends', async () => {
    const told = async (): Promise<string> =>
      lab.kube.mustKubectl([
        'get',
        'wgn',
        'fra1-wg0',
        '-n',
        'edge',
        '-o',
        'jsonpath={.status.agent.certificateNotAfter}',
      ]);
    const before = await told();
    expect(Date.parse(before)).toBeGreaterThan(Date.now() + 800 * 86_400_000);
    await agent('renew');
    await lab.kube.mustKubectl([
      'patch',
      'wgn',
      'fra1-wg0',
      '-n',
      'edge',
      '--type=merge',
      '-p',
      '{"spec":{"management":{"intervalSeconds":5}}}',
    ]);
    await until('the new end to be told', async () => (await told()) !== before);
  });

  test('S1 no secret is in any log, event, status or metric', async () => {
    expect(await leaksOf(lab)).toEqual([]);
  });
});

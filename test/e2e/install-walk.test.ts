import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { labEnvironment } from '../support/lab/environment.ts';
import { AGENT_LOG, givePackages, SHIMS } from '../support/lab/package-host.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { mustRun } from '../support/lab/run.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import type { LabHost } from '../support/lab/start-host.ts';
import { leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** The README's commands, by the word behind ```sh. */
function blocks(): { readonly where: string; readonly commands: readonly string[] }[] {
  const [, text = ''] = readFileSync(repositoryPath('README.md'), 'utf8').split(
    '## Manage hosts that run WireGuard already',
  );
  const [section = ''] = text.split('\n## ');
  return [...section.matchAll(/```sh ([a-z-]+)\n([\s\S]*?)```/g)].map(([, where = '', body = '']) => ({
    where,
    commands: body.trim().split('\n'),
  }));
}

describe('from a host that runs WireGuard to one that is managed, by the words of the README alone', () => {
  let lab: Lab;
  let downloads: string;
  let commands = 0;
  const hosts = ['fra1', 'fra2', 'peer'];

  beforeAll(async () => {
    // Two versions, so that one follows the other.
    const [release, walk] = [repositoryPath('dist/release'), repositoryPath('dist/walk')];
    mkdirSync(walk, { recursive: true });
    for (const version of ['0.1.0', '0.1.1']) {
      await mustRun([repositoryPath('hack/release'), version, 'deb'], { timeoutMs: 1_800_000 });
      for (const file of [`wgnode-agent_${version}_amd64.deb`, 'install.yaml'])
        copyFileSync(join(release, file), join(walk, file));
    }
    lab = await startLab({ hosts });
    downloads = join(lab.folder, 'downloads');
    mkdirSync(downloads);
    mkdirSync(join(lab.folder, 'bin'));
    for (const file of ['wgnode-agent_0.1.0_amd64.deb', 'wgnode-agent_0.1.1_amd64.deb', 'install.yaml'])
      symlinkSync(repositoryPath(`dist/walk/${file}`), join(downloads, file));
    const names = hosts.map(
      (name) =>
        `${name}) shift; exec ${lab
          .host(name)
          .argvFor(['unshare', '--uts', 'sh', '-c', `'hostname ${name}; exec "$@"'`, 'sh'])
          .join(' ')} "$@" ;;`,
    );
    writeFileSync(join(lab.folder, 'bin/ssh'), `#!/bin/sh\ncase "\${1#root@}" in\n${names.join('\n')}\nesac\n`, {
      mode: 0o755,
    });
    const kubectl = (await mustRun([repositoryPath('hack/kube-assets')])).trim();
    symlinkSync(join(kubectl, 'kubectl'), join(lab.folder, 'bin/kubectl'));
    const keys = hosts.map(() => newPrivateKey());
    const publicKeys = await Promise.all(
      keys.map(async (key) => (await mustRun(['wg', 'pubkey'], { stdin: key })).trim()),
    );
    for (const [index, name] of hosts.entries()) {
      const host = lab.host(name);
      await host.mustExec(['sh', '-ec', 'rm -f /etc/wgnode/*']);
      const peers = hosts.flatMap((other, at) =>
        at === index
          ? []
          : [
              `[Peer]\nPublicKey = ${publicKeys[at] ?? ''}\nAllowedIPs = 10.88.0.${String(at + 1)}/32\nEndpoint = ${lab.host(other).address}:51820\n`,
            ],
      );
      const own = `[Interface]\nPrivateKey = ${keys[index] ?? ''}\nAddress = 10.88.0.${String(index + 1)}/24\nListenPort = 51820\n`;
      await host.writeFile('/etc/wireguard/wg0.conf', [own, ...peers].join('\n'));
      await host.mustExec(['wg-quick', 'up', 'wg0']);
      if (name !== 'peer') await givePackages(host);
    }
  }, 1_800_000);
  afterAll(() => lab.stop());

  const onCluster = (command: string): Promise<string> => {
    const own = labEnvironment(Number(lab.id));
    const env = { ...own, PATH: `${lab.folder}/bin:${own['PATH'] ?? ''}`, KUBECONFIG: lab.kube.adminKubeconfig };
    return mustRun(['bash', '-o', 'pipefail', '-ec', `cd ${downloads}; ${command}`], { env, timeoutMs: 300_000 });
  };
  const onHost = (host: LabHost, command: string): Promise<string> =>
    host.mustExec(['bash', '-ec', `export PATH=${SHIMS}:$PATH; cd ${downloads}; ${command}`]);
  const said = async (name: string): Promise<string> =>
    (
      await onCluster(
        `kubectl -n edge get wgn ${name} -o jsonpath='{range .status.conditions[?(@.type=="Ready")]}{.status}/{.reason}/{.observedGeneration}{end}/{.metadata.generation}'`,
      )
    ).trim();
  const untilSaid = (name: string, reason: string): Promise<unknown> =>
    until(`${name} to be ${reason}`, async () => {
      const [status, why, judged, generation] = (await said(name)).split('/');
      return `${status ?? ''}/${why ?? ''}` === reason && judged === generation;
    });
  const run = async (where: string, command: string, host: LabHost): Promise<string> => {
    commands += 1;
    return where === 'cluster' || command.startsWith('kubectl') ? onCluster(command) : onHost(host, command);
  };
  const blocksOf = (...wanted: readonly string[]): ReturnType<typeof blocks> =>
    blocks().filter(({ where }) => wanted.includes(where));

  test('first host, further host, upgrade, uninstall: few commands, and no ping lost from the first to the last', async () => {
    const [fra1, fra2] = [lab.host('fra1'), lab.host('fra2')];
    // Both ends that begin a handshake at one time may undo each other's, and wait 5 s: no word about what the walk does.
    for (const host of [fra1, fra2])
      await until(
        'the tunnel to carry',
        async () => (await host.exec(['ping', '-c1', '-W1', '10.88.0.3'])).exitCode === 0,
      );
    const pings = await Promise.all([
      fra1.startPing('10.88.0.3'),
      lab.host('peer').startPing('10.88.0.1'),
      fra2.startPing('10.88.0.3'),
    ]);
    const [cluster, host, enroll, change, further, furtherEnroll] = blocksOf('cluster', 'host', 'further-host');
    for (const command of cluster?.commands ?? []) await run('cluster', command, fra1);
    await lab.controller.start();
    for (const command of host?.commands ?? []) await run('host', command, fra1);
    const [first = '', look = ''] = enroll?.commands ?? [];
    await run('cluster', first, fra1);
    await untilSaid('fra1-wg0', 'True/Observed');
    expect(await run('cluster', look, fra1)).toMatch(/fra1-wg0 +True +Observed/);
    for (const command of change?.commands ?? []) {
      await run('cluster', command, fra1);
      await untilSaid('fra1-wg0', 'True/InSync');
    }
    expect(await fra1.readFile('/etc/wireguard/wg0.conf')).toContain('MTU = 1380');
    const forFirst = commands;
    expect(forFirst).toBeLessThanOrEqual(8);

    for (const command of further?.commands ?? []) await run('host', command, fra2);
    for (const command of furtherEnroll?.commands ?? []) await run('cluster', command, fra2);
    await untilSaid('fra2-wg0', 'True/Observed');
    const forFurther = commands - forFirst;
    expect(forFurther).toBeLessThanOrEqual(3);

    for (const { commands: list } of blocksOf('upgrade')) for (const command of list) await run('host', command, fra1);
    await lab.controller.stop();
    await lab.controller.start();
    await until('the new agent to answer', async () =>
      (await onHost(fra1, 'wgnode-agent status')).includes('edge/fra1-wg0'),
    );
    expect((await onHost(fra1, 'wgnode-agent --version')).trim()).toBe('0.1.1');
    await onCluster(`kubectl -n edge annotate wgn fra1-wg0 wgnode.dev/reconcile-requested-at=after-the-upgrade`);
    await untilSaid('fra1-wg0', 'True/InSync');

    for (const { commands: list } of blocksOf('uninstall'))
      for (const command of list) await run('host', command, fra1);
    expect(await fra1.exec(['ls', '/usr/lib/wgnode', '/etc/wgnode/agent.yaml', '/var/lib/wgnode'])).toMatchObject({
      stdout: '',
    });
    expect(await onCluster('kubectl get crd -o name | grep wgnode || true')).toBe('');
    expect(await fra1.readFile('/etc/wireguard/wg0.conf')).toContain('MTU = 1380');
    const results = await Promise.all(pings.map((ping) => ping.stop()));
    process.stderr.write(
      `commands: ${String(forFirst)} for the first host, with one change; ${String(forFurther)} for a further one; pings lost: ${results.map(({ lost, sent }) => `${String(lost)} of ${String(sent)}`).join(', ')}\n`,
    );
    expect(results.map(({ lost }) => lost)).toEqual([0, 0, 0]);
  }, 600_000);

  test('S1 no secret is in any log', async () => {
    for (const name of ['fra1', 'fra2'])
      expect(await lab.host(name).readFile(AGENT_LOG)).not.toMatch(/[A-Za-z0-9+/]{42}[A-Za-z0-9+/]=/);
    await lab.kube.install();
    expect(await leaksOf(lab)).toEqual([]);
  });
});

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { repositoryPath } from '../support/lab/repository.ts';
import { mustRun, run } from '../support/lab/run.ts';
import { isFull } from '../support/scene.ts';

/** With Node itself two releases take minutes: the smoke tier has a small program in its place, and all the rest alike. */
const RUNTIME = isFull ? [] : ['WGNODE_RELEASE_RUNTIME=/bin/true'];

describe('hack/release', () => {
  const VERSION = '9.8.7';
  let folder: string;
  const release = repositoryPath('dist/release');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgnode-release-'));
    for (const name of ['first', 'second']) {
      await mustRun(['env', ...RUNTIME, repositoryPath('hack/release'), VERSION], { timeoutMs: 1_800_000 });
      cpSync(release, join(folder, name), { recursive: true });
    }
  }, 3_600_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('two runs make the same bytes, which the checksums name', async () => {
    const [first, second] = ['first', 'second'].map((name) => readFileSync(join(folder, name, 'SHA256SUMS'), 'utf8'));
    expect(second).toBe(first);
    await mustRun(['sh', '-ec', `cd ${folder}/first && sha256sum --quiet -c SHA256SUMS`]);
    expect(readdirSync(join(folder, 'first')).sort()).toEqual(
      [
        ...['NOTICES', 'SHA256SUMS', 'install.yaml', 'sbom.cdx.json', `wgnode-agent-${VERSION}.x86_64.rpm`],
        ...[`wgnode-agent_${VERSION}_amd64.deb`, `wgnode-controller-${VERSION}.oci.tar`],
        ...[`kubectl-wgnode_${VERSION}.tar.gz`, 'wgnode.krew.yaml'],
      ].sort(),
    );
  });

  test('the notices and the bill of materials name everything that is bundled, with a licence', () => {
    const notices = readFileSync(join(folder, 'first/NOTICES'), 'utf8');
    const { components } = JSON.parse(readFileSync(join(folder, 'first/sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string; licenses?: object[] }[];
    };
    expect(components.length).toBeGreaterThan(40);
    for (const { name, version } of components.slice(1)) expect(notices).toContain(`${name} ${version} (`);
    expect(notices).not.toContain('(unknown)');
  });

  test('the plugin is a program by itself, and its manifest for krew names these very bytes', async () => {
    const archive = `kubectl-wgnode_${VERSION}.tar.gz`;
    await mustRun(['sh', '-ec', `mkdir ${folder}/plugin && tar xzf ${folder}/first/${archive} -C ${folder}/plugin`]);
    const help = await mustRun([process.execPath, join(folder, 'plugin/kubectl-wgnode'), '--help']);
    expect(help).toContain(`kubectl wgnode ${VERSION}`);
    const manifest = readFileSync(join(folder, 'first/wgnode.krew.yaml'), 'utf8');
    const sums = readFileSync(join(folder, 'first/SHA256SUMS'), 'utf8');
    expect(sums).toContain(`${/sha256: (\S+)/.exec(manifest)?.[1] ?? 'none'}  ${archive}`);
  });

  test('the image runs as nobody, without capabilities, on a root that cannot be written to', async () => {
    const image = join(folder, 'image');
    const script = `mkdir -p ${image}/layout ${image}/root && tar xf ${folder}/first/*.oci.tar -C ${image}/layout
      for blob in ${image}/layout/blobs/sha256/*; do tar xzf "$blob" -C ${image}/root 2>/dev/null || true; done`;
    await mustRun(['sh', '-ec', script]);
    // Who loads it gets it by the name that the manifests have.
    const { manifests } = JSON.parse(readFileSync(join(image, 'layout/index.json'), 'utf8')) as {
      manifests: { annotations: Record<string, string> }[];
    };
    const full = `ghcr.io/wgnode/wgnode-controller:${VERSION}`;
    expect(Object.values(manifests[0]?.annotations ?? {})).toEqual([full, full]);
    expect(readFileSync(join(folder, 'first/install.yaml'), 'utf8')).toContain(`image: ${full}\n`);
    const command = `mount --bind ${image}/root ${image}/root && mount -o remount,ro,bind ${image}/root && exec chroot ${image}/root "$@"`;
    // chroot needs a capability that nobody has: it comes first, and the program after it drops the rest.
    const { exitCode, stdout } = await run([
      ...['unshare', '--mount', 'sh', '-ec', command, 'sh', '/bin/node', '-e'],
      `process.setgroups([]); process.setgid(65532); process.setuid(65532);
       try { require('fs').writeFileSync('/tmp/x', ''); process.exit(3); } catch {}
       process.argv = [process.argv[0], '/app/wgnode-controller.mjs', '--version'];
       import('/app/wgnode-controller.mjs');`,
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: isFull ? `${VERSION}\n` : '' });
  });
});

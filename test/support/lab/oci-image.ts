import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './run.ts';

/** The part of an image's configuration that says how it is run (OCI image specification 1.0, config.md). */
interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
}

/** An image without its archive. */
export interface OciImage {
  readonly rootfs: string;
  readonly config: ImageConfig;
  /** Of its entry in the index: by these it is loaded. */
  readonly names: readonly string[];
}

/** What a container is given beside what its image says. */
export interface ContainerOptions {
  /** Where its bundle and the state of the runtime go. */
  readonly folder: string;
  /** Behind the entry point. */
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env?: readonly string[];
  /** Files of this machine, by their paths in the container; read only. */
  readonly files?: Readonly<Record<string, string>>;
}

interface Descriptor {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Unpacks an archive of an OCI layout with one image into a folder, by its index and digests, as an engine would. */
export async function unpackImage(archive: string, folder: string): Promise<OciImage> {
  const [layout, rootfs] = [join(folder, 'layout'), join(folder, 'rootfs')];
  for (const path of [layout, rootfs]) mkdirSync(path, { recursive: true });
  await mustRun(['tar', 'xf', archive, '-C', layout]);
  const blob = ({ digest }: Descriptor): string => join(layout, 'blobs', digest.replace(':', '/'));
  const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const { manifests } = json(join(layout, 'index.json')) as { manifests: readonly [Descriptor] };
  const [entry] = manifests;
  const manifest = json(blob(entry)) as { config: Descriptor; layers: readonly Descriptor[] };
  for (const layer of manifest.layers) await mustRun(['tar', 'xzf', blob(layer), '-C', rootfs]);
  const { config } = json(blob(manifest.config)) as { config: ImageConfig };
  return { rootfs, config, names: Object.values(entry.annotations ?? {}) };
}

/**
 * Writes a bundle, and returns what runs it in the foreground by crun: as the image's own user, without any capability, on a root that is
 * read only, in the network of this machine. Its cgroup is that of the caller: not every machine that tests lets one be made.
 */
export function containerArgv(
  { rootfs, config }: OciImage,
  { folder, args, env = [], files = {} }: ContainerOptions,
): string[] {
  const [uid = NaN, gid = NaN] = config.User.split(':').map(Number);
  const spec = {
    ociVersion: '1.0.0',
    root: { path: rootfs, readonly: true },
    process: {
      user: { uid, gid },
      args: [...config.Entrypoint, ...args],
      env: [...config.Env, ...env],
      cwd: config.WorkingDir,
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      noNewPrivileges: true,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      ...Object.entries(files).map(([destination, source]) => ({
        ...{ destination, source, type: 'bind', options: ['bind', 'ro'] },
      })),
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
  return ['unshare', '--mount', 'sh', '-c', IN_CRUN, folder];
}

const IN_CRUN = `command -v crun >/dev/null || { echo 'crun is not installed: run hack/prepare tests' >&2; exit 127; }
mount -t tmpfs none /sys/fs/cgroup &&
exec crun --root "$0/state" --cgroup-manager=disabled run --bundle "$0" "wgnode-$$"`;

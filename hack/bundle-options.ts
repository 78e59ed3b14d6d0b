import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import packageFile from '../package.json' with { type: 'json' };

// Some dependencies are CommonJS and ask for `require`, which an ES module does not have.
const BANNER =
  "import { createRequire as wgnodeCreateRequire } from 'node:module'; const require = wgnodeCreateRequire(import.meta.url);";

const root = new URL('..', import.meta.url).pathname;
/** A release names its own version. */
const version = process.env['WGNODE_VERSION'] ?? packageFile.version;
const ownVersion: Plugin = {
  name: 'own-version',
  setup: (bundler) => {
    bundler.onLoad({ filter: /package\.json$/ }, ({ path }) =>
      path === join(root, 'package.json') ? { contents: JSON.stringify({ version }), loader: 'json' } : null,
    );
  },
};

/**
 * Modules of Node by `require`: an `import` of one reads all that it exports, and `http` alone has getters that load a second undici.
 */
const requiredBuiltins: Plugin = {
  name: 'required-builtins',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^[a-z_:/0-9]+$/ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'builtin' } : null,
    );
    bundler.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** How a program becomes one file. `isProgram`: it is run by its own name, as kubectl runs a plugin. */
export const bundleOptions = (
  entry: string,
  outfile: string,
  isProgram: boolean,
): BuildOptions & { readonly outfile: string } => ({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: 'linked',
  // Less to parse at every start. Names stay, and lines are short: both are in stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  banner: { js: isProgram ? `#!/usr/bin/env node\n${BANNER}` : BANNER },
  plugins: [ownVersion, requiredBuiltins],
  absWorkingDir: root,
  logLevel: 'warning',
});

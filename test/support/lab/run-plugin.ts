import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../../hack/bundle-options.ts';
import { labEnvironment } from './environment.ts';
import { run, type RunResult } from './run.ts';
import type { Lab } from './start-lab.ts';

/** Runs `kubectl wgnode ...` as a person would who may do everything: the bundle, which starts in a third of the time of its sources. */
export async function runPlugin(
  lab: Lab,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const program = join(lab.folder, 'kubectl-wgnode.mjs');
  if (!existsSync(program)) await build(bundleOptions('controller/cli/main.ts', program, true));
  return run([process.execPath, program, ...argv], {
    env: { ...labEnvironment(Number(lab.id)), KUBECONFIG: lab.kube.adminKubeconfig, ...env },
    timeoutMs: 300_000,
  });
}

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../../hack/bundle-options.ts';
import { labEnvironment } from './environment.ts';
import { run, type RunResult } from './run.ts';
import type { Lab } from './start-lab.ts';

/** The plugin of a lab as one file. */
async function programOf(lab: Lab): Promise<string> {
  const program = join(lab.folder, 'kubectl-wgnode.mjs');
  if (!existsSync(program)) await build(bundleOptions('controller/cli/main.ts', program, true));
  return program;
}

const environmentOf = (lab: Lab): Record<string, string> => ({
  ...labEnvironment(Number(lab.id)),
  KUBECONFIG: lab.kube.adminKubeconfig,
});

/** Starts `kubectl wgnode ...` and leaves it running: what it has printed so far, and its end by Ctrl-C with the exit code. */
export async function startPlugin(
  lab: Lab,
  argv: readonly string[],
): Promise<{ readonly text: () => string; readonly interrupt: () => Promise<number | null> }> {
  const child = spawn(process.execPath, [await programOf(lab), ...argv], { env: environmentOf(lab) });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    text: () => text,
    interrupt: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}

/** Runs `kubectl wgnode ...` as a person would who may do everything: the bundle, which starts in a third of the time of its sources. */
export async function runPlugin(
  lab: Lab,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  return run([process.execPath, await programOf(lab), ...argv], {
    env: { ...environmentOf(lab), ...env },
    timeoutMs: 300_000,
  });
}

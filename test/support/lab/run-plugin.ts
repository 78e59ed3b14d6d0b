import { labEnvironment } from './environment.ts';
import { repositoryPath } from './repository.ts';
import { run, type RunResult } from './run.ts';
import type { Lab } from './start-lab.ts';

/** Runs `kubectl wgnode ...` as a person would who may do everything. */
export const runPlugin = (
  lab: Lab,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> =>
  run([process.execPath, repositoryPath('controller/cli/main.ts'), ...argv], {
    env: { ...labEnvironment(Number(lab.id)), KUBECONFIG: lab.kube.adminKubeconfig, ...env },
    timeoutMs: 300_000,
  });

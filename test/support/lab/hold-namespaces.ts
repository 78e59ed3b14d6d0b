import { spawn } from 'node:child_process';
import { labEnvironment } from './environment.ts';
import { HOST_SCRIPT } from './host-script.ts';
import type { LabNames } from './lab-names.ts';

/** Starts the process that holds a host's mount namespace; returns its id for nsenter(1). It ends with the lab. */
export function holdNamespaces(names: LabNames, host: string): Promise<number> {
  const argv = [
    'netns',
    'exec',
    names.namespace(host),
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'bash',
    '-c',
    HOST_SCRIPT,
  ];
  const holder = spawn('ip', argv, {
    env: labEnvironment(names.number),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  holder.unref();
  return new Promise((resolve, reject) => {
    let stderr = '';
    holder.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    holder.once('error', reject);
    holder.once('exit', (exitCode) => {
      reject(new Error(`Cannot make the mounts of host ${host}: exit code ${String(exitCode)}: ${stderr.trim()}`));
    });
    holder.stdout.setEncoding('utf8').once('data', () => {
      // `ip`, `unshare` and `bash` exec one another: the id stays.
      resolve(holder.pid ?? 0);
      holder.stdout.destroy();
      holder.stderr.destroy();
    });
  });
}

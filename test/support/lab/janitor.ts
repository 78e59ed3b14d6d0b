import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { LAB_VARIABLE } from './lab-names.ts';

/**
 * Starts a process that outlives us and removes our lab when we die, however that happens: exit handlers do not run after SIGKILL,
 * nor inside Jest. It reads a pipe that only we hold; its end is our end.
 */
export function startJanitor(): { dismiss(): void } {
  const script = 'trap "" INT TERM HUP; cat >/dev/null; exec "$0" "$1"';
  const env = { ...process.env };
  // Without it the janitor would count as a part of the lab and kill itself.
  env[LAB_VARIABLE] = undefined;
  env['NODE_OPTIONS'] = undefined;
  const program = join(import.meta.dirname, 'janitor-main.ts');
  const child: ChildProcess = spawn('sh', ['-c', script, process.execPath, program], {
    detached: true,
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.unref();
  return {
    dismiss: () => {
      // SIGKILL for the whole group: it ignores the others, and there is nothing left to do for it.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    },
  };
}

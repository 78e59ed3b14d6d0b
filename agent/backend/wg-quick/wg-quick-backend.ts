import { peerSections, triggerHandshake } from '../../core/carry-over.ts';
import { AgentError } from '../../core/agent-error.ts';
import type { Host } from '../../host/host.ts';
import { mustRun } from '../../host/command-runner.ts';
import { withSecretFile } from '../../host/secret-file.ts';
import type { Backend, Backends, Restoration, StartFile } from '../backend.ts';
import { configure } from './configure.ts';
import { readAllPeers } from './read-all-peers.ts';
import { readDevice } from './read-device.ts';
import { wgSet } from './wg-set.ts';

/** Devices by wg-quick(8), wg(8) and ip(8). */
export const createWgQuickBackends = (host: Host): Backends => ({
  open: (name) => backendOf(host, name),
  readAllPeers: () => readAllPeers(host.runner),
});

function backendOf(host: Host, name: string): Backend {
  const { runner } = host;
  const exists = async (): Promise<boolean> => (await runner.run('ip', ['link', 'show', 'dev', name])).exitCode === 0;
  const remove = async (): Promise<void> => {
    if (await exists()) await runner.run('ip', ['link', 'delete', 'dev', name]);
  };
  return {
    read: (table) => readDevice(runner, name, table),
    configure: (change) => configure(runner, name, change),
    async up({ path }) {
      const result = await runner.run('wg-quick', ['up', path], { timeoutMs: host.limits.quickTimeoutMs });
      if (result.exitCode === 0) return 'up';
      const isTaken = result.stderr.split('\n').includes(`wg-quick: \`${name}' already exists`);
      if (isTaken && (await exists())) return 'taken';
      await remove();
      throw new AgentError('command_failed', `wg-quick up ${failure(result.exitCode, result.stderr)}`);
    },
    restore: (restoration) => restore(host, name, restoration),
    async down(file: StartFile) {
      const { exitCode } = await runner.run('wg-quick', ['down', file.path], { timeoutMs: host.limits.quickTimeoutMs });
      return exitCode !== 0 && (await exists()) ? 'stuck' : 'down';
    },
    remove,
  };
}

async function restore({ runner }: Host, name: string, { peers, listenPort, triggered }: Restoration): Promise<void> {
  if (peers.length > 0) {
    // A file, as the addresses of a single peer can be more than one argument of a process takes.
    const addconf: [string, ...string[]] = ['wg', 'addconf', name, '/dev/fd/3'];
    await withSecretFile(peerSections(peers), (fd) => mustRun(runner, addconf, { fds: [fd] }));
  }
  const head = listenPort === null ? [] : ['listen-port', String(listenPort)];
  await wgSet(runner, name, { head, peers: triggerHandshake(triggered) });
}

/** Our own words for what wg-quick says; its output may hold keys. */
function failure(exitCode: number | null, stderr: string): string {
  if (exitCode === null) return 'did not end in time (a hook that hangs, or a peer name that does not resolve)';
  const known: readonly (readonly [RegExp, string])[] = [
    [/resolvconf: command not found/, 'failed: `dns` needs a resolvconf program on the host'],
    [/Address already in use/, 'failed: the listen port is in use'],
    [/File exists/, 'failed: a route or address is held by another interface'],
    [
      /Name or service not known|Temporary failure in name resolution/,
      "failed: a peer's endpoint name does not resolve",
    ],
    [/Line unrecognized|Configuration parsing error/, 'failed: the file has a line that wg does not know'],
  ];
  const match = known.find(([pattern]) => pattern.test(stderr));
  return match?.[1] ?? `failed with exit code ${String(exitCode)} (most often a PreUp or PostUp hook)`;
}

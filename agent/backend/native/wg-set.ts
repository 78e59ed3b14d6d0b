import { AgentError } from '../../core/agent-error.ts';
import type { PeerChange } from '../../core/carry-over.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { withSecretFile } from '../../host/secret-file.ts';
import type { Secret } from '../../protocol/secret.ts';
import { kindOf } from './kind-of.ts';
import { setUapi } from './uapi.ts';

/** What changes on a device; what is left out stays as it is. */
export interface WgChange {
  /** Null = none. */
  readonly privateKey?: Secret | null;
  readonly listenPort?: number;
  /** 0 = off. */
  readonly fwMark?: number;
  /** Public keys of peers that go. */
  readonly removed?: readonly string[];
  /** Peers that are there: none is made. */
  readonly peers?: readonly PeerChange[];
}

/** Carries out a change that names nothing else, by wireguard-go's own socket (a twentieth of the time of a process), or by `wg set`. */
export async function wgSet(runner: CommandRunner, name: string, change: WgChange): Promise<void> {
  const kind = kindOf(name);
  if (kind === 'absent') throw new AgentError('command_failed', `The interface ${name} is gone`);
  if (kind === 'userspace') await setUapi(name, uapiLines(change));
  else await runWgSet(runner, name, change);
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

/** Lines of the cross-platform userspace protocol (wireguard.com/xplatform). */
function uapiLines({ privateKey, listenPort, fwMark, removed = [], peers = [] }: WgChange): string[] {
  return [
    ...(privateKey === undefined
      ? []
      : [`private_key=${privateKey === null ? '0'.repeat(64) : hexOf(privateKey.reveal())}`]),
    ...(listenPort === undefined ? [] : [`listen_port=${String(listenPort)}`]),
    ...(fwMark === undefined ? [] : [`fwmark=${String(fwMark)}`]),
    ...removed.flatMap((publicKey) => [`public_key=${hexOf(publicKey)}`, 'remove=true']),
    ...peers.flatMap(({ publicKey, endpoint, keepalives = [] }) => {
      const head = [`public_key=${hexOf(publicKey)}`, 'update_only=true'];
      return [
        ...(endpoint === undefined ? [] : [...head, `endpoint=${endpoint}`]),
        ...keepalives.flatMap((seconds) => [...head, `persistent_keepalive_interval=${String(seconds)}`]),
      ];
    }),
  ];
}

/** One process takes at most so many peers: the arguments of a process are limited (execve(2), E2BIG). */
const PEERS_A_CALL = 1_000;

async function runWgSet(runner: CommandRunner, name: string, change: WgChange): Promise<void> {
  const { privateKey, listenPort, fwMark, removed = [], peers = [] } = change;
  const all = [...removed.map((publicKey) => ['peer', publicKey, 'remove']), ...peers.map(peerArguments)];
  const head = [
    ...(privateKey === undefined ? [] : ['private-key', '/dev/fd/3']),
    ...(listenPort === undefined ? [] : ['listen-port', String(listenPort)]),
    ...(fwMark === undefined ? [] : ['fwmark', fwMark === 0 ? 'off' : String(fwMark)]),
  ];
  await withSecretFile(privateKey?.reveal() ?? '', async (fd) => {
    for (let start = 0; start === 0 || start < all.length; start += PEERS_A_CALL) {
      const some = all.slice(start, start + PEERS_A_CALL).flat();
      const args = [...(start === 0 ? head : []), ...some];
      if (args.length > 0) await mustRun(runner, ['wg', 'set', name, ...args], { fds: [fd] });
    }
  });
}

const peerArguments = ({ publicKey, endpoint, keepalives = [] }: PeerChange): string[] => [
  ...(endpoint === undefined ? [] : ['peer', publicKey, 'endpoint', endpoint]),
  ...keepalives.flatMap((seconds) => ['peer', publicKey, 'persistent-keepalive', String(seconds)]),
];

import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { kindOf } from './kind-of.ts';
import { lastRead } from './last-read.ts';
import { readUapi } from './uapi.ts';

/** What moves by itself, of the answer of wireguard-go to `get=1`. */
const MOVING = /^(endpoint|last_handshake_time_n?sec|rx_bytes|tx_bytes|protocol_version|errno)=.*\n/gm;

/** What only wg knows of a device, in one hash; peers in any order. It is asked for once a second. */
export async function fingerprint(runner: CommandRunner, name: string): Promise<string | null> {
  const kind = kindOf(name);
  if (kind === 'absent') return null;
  const { steady } = lastRead(name);
  if (kind === 'userspace') return steady.hashOf((await readUapi(name)).split('public_key='), steadyLines);
  return steady.hashOf((await mustRun(runner, ['wg', 'show', name, 'dump'])).split('\n'), steadyColumns);
}

const steadyLines = (block: string): string => block.replace(MOVING, '');

/** A line of `wg show NAME dump` without endpoint, handshake and counters; the device's own line has four columns. */
function steadyColumns(line: string): string {
  const columns = line.split('\t');
  if (columns.length < 8) return line;
  const [publicKey, presharedKey, , allowedIps, , , , keepalive] = columns;
  return [publicKey, presharedKey, allowedIps, keepalive].join('\t');
}

import { createHash } from 'node:crypto';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { kindOf } from './kind-of.ts';
import { readUapi } from './uapi.ts';

/** What moves by itself, of the answer of wireguard-go to `get=1`. */
const MOVING = /^(endpoint|last_handshake_time_n?sec|rx_bytes|tx_bytes|protocol_version|errno)=.*\n/gm;

/** What only wg knows of a device, in one hash; peers in any order. Parses nothing: it is asked for once a second. */
export async function fingerprint(runner: CommandRunner, name: string): Promise<string | null> {
  const kind = kindOf(name);
  if (kind === 'absent') return null;
  const parts =
    kind === 'userspace'
      ? (await readUapi(name)).replace(MOVING, '').split('public_key=')
      : (await mustRun(runner, ['wg', 'show', name, 'dump'])).split('\n').map(steadyColumns);
  return createHash('sha256').update(parts.sort().join('\0')).digest('base64url');
}

/** A line of `wg show NAME dump` without endpoint, handshake and counters; the device's own line has four columns. */
function steadyColumns(line: string): string {
  const columns = line.split('\t');
  if (columns.length < 8) return line;
  const [publicKey, presharedKey, , allowedIps, , , , keepalive] = columns;
  return [publicKey, presharedKey, allowedIps, keepalive].join('\t');
}

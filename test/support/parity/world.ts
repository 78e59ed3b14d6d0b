import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isUserspace, readUapi } from '../../../agent/backend/native/uapi.ts';

/** How a program ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
}

/** Runs a program in this host. What it says on stderr is of no account. */
export function runHere(argv: readonly string[], stdin = ''): Promise<Ended> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.once('error', reject);
    child.once('close', (exitCode) => {
      resolve({ exitCode, stdout });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });
}

const MOVING = /^(last_handshake_time_n?sec|rx_bytes|tx_bytes|protocol_version|errno)=.*\n/gm;
const PORT = /^listen_port=[0-9]+$/m;
const fileOr = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/** Equal states are equal texts: numbers that only go up, random ports and the kernel's own link-local addresses are taken out. */
const steady = (line: string): string =>
  line
    .replace(/fe80::[0-9a-f:]+/g, 'fe80::X')
    .replace(/ +valid_lft .*/, '')
    // How far the kernel is with looking for the address elsewhere.
    .replace(' tentative', '')
    .replace(/^[0-9]+: /, '')
    .trimEnd();

const sorted = (text: string, keep: (line: string) => boolean = () => true): string[] =>
  text.split('\n').map(steady).filter(Boolean).filter(keep).sort();

/** Rows of a chain in any order: those that drop packets to addresses of the tunnel do not meet. */
function chains(ruleset: string): string[] {
  const lines = ruleset.split('\n').map(steady).filter(Boolean);
  const out: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const from = at;
    while (lines[at]?.endsWith(' drop') === true) at += 1;
    out.push(...lines.slice(from, at).sort(), lines[at] ?? '');
  }
  // Tables in any order: each family has its own.
  return out
    .join('\n')
    .split(/^(?=table )/m)
    .map((table) => table.trimEnd())
    .sort();
}

async function wgState(name: string, hasPort: boolean): Promise<string[]> {
  // A wireguard-go that ends leaves its socket for a moment after the device.
  if (!existsSync(`/sys/class/net/${name}`) || !isUserspace(name)) return [];
  const text = (await readUapi(name)).replace(MOVING, '');
  const [device = '', ...peers] = (hasPort ? text : text.replace(PORT, 'listen_port=any')).split('public_key=');
  const lines = (part: string): string => part.split('\n').filter(Boolean).sort().join('\n');
  // A key is compared, and never shown.
  const own = device.replace(/(?<=private_key=).*/, (key) => createHash('sha256').update(key).digest('hex'));
  return [lines(own), ...peers.map(lines).sort()];
}

/** Everything that an interface is to a host, as a text a part. `hasPort`: the file names a port. */
export async function worldOf(name: string, hasPort: boolean): Promise<Readonly<Record<string, string>>> {
  const commands = ['address show', 'route show table all', 'rule show', ''].join('\n');
  const [four, six, firewall, wg] = await Promise.all([
    runHere(['ip', '-oneline', '-4', '-batch', '-'], commands),
    runHere(['ip', '-oneline', '-6', '-batch', '-'], commands),
    runHere(['nft', 'list', 'ruleset']),
    wgState(name, hasPort),
  ]);
  // The kernel makes these by itself, and takes them away some time after the device.
  const isOurs = (line: string): boolean => !/^(local|broadcast|multicast|anycast|ff00)/.test(line);
  const link = `/sys/class/net/${name}`;
  return {
    wg: wg.join('\n'),
    link: [fileOr(`${link}/mtu`), (Number(fileOr(`${link}/flags`)) & 1).toString()].join(' '),
    ipv4: sorted(four.stdout, isOurs).join('\n'),
    ipv6: sorted(six.stdout, isOurs).join('\n'),
    sysctl: fileOr('/proc/sys/net/ipv4/conf/all/src_valid_mark').trim(),
    firewall: chains(firewall.stdout).join('\n'),
    resolver: recordsIn('/run/resolvconf/interfaces'),
    log: fileOr('/run/parity.log'),
  };
}

function recordsIn(folder: string): string {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => `${name}: ${fileOr(`${folder}/${name}`)}`)
      .join('');
  } catch {
    return '';
  }
}

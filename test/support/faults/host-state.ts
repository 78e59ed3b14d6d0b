import { createHash } from 'node:crypto';
import { INTERFACE } from '../fleet.ts';
import type { LabHost } from '../lab/start-host.ts';

/** Everything about the interface on its host, as lines in an order that says nothing; keys as hashes, so that it may be shown. */
export interface HostState {
  /** Number of the device; null = there is none. A new device has a new one. */
  readonly index: string | null;
  /** The text of the wg-quick file, in one line. */
  readonly file: readonly string[];
  /** Device, addresses, routes, rules, firewall, resolver. */
  readonly live: readonly string[];
  /** Every file below /etc/wireguard and /var/lib/wgnode with its mode, and what the agent remembers. */
  readonly memory: readonly string[];
}

/** What is compared; the number of the device is not. */
const PARTS = ['file', 'live', 'memory'] as const;

/** One bash for all of it. The programs are those of the system, whatever stands in front of them in PATH. */
const SCRIPT = `
PATH=/usr/sbin:/usr/bin:/sbin:/bin
section() { printf '\\n\\f%s\\n' "$1"; }
name="$1"
section index; [ ! -e /sys/class/net/$name ] || cat /sys/class/net/$name/ifindex
# With what stands beside it: that belongs to the file, whether the interface is up or not.
section file; cat /etc/wireguard/$name.conf; [ ! -e /etc/wireguard/$name.wgnode.nft ] || cat /etc/wireguard/$name.wgnode.nft
if [ -e /sys/class/net/$name ]; then
  section wg; wg show $name dump
  section link; cat /sys/class/net/$name/{mtu,flags}
  section address; ip -o address show dev $name
  # Nobody takes it back at a down.
  section mark; cat /proc/sys/net/ipv4/conf/all/src_valid_mark
fi
section route; ip -4 route show table all; ip -6 route show table all
section rule4; ip -4 rule show
section rule6; ip -6 rule show
section firewall; nft -s list ruleset
section iptables; iptables-save; ip6tables-save
section resolver; cat /etc/resolv.conf; find /run/resolvconf -path '*interface*' -type f -exec grep -H '' {} +
# The room that audit lines used up is taken anew by the next change.
section names; find /etc/wireguard /var/lib/wgnode ! -name .audit-reserve ! -name '*.wgnode.nft' -printf '%M %p\\n'
section memory; find /var/lib/wgnode -mindepth 2 -type f -printf '\\v%p\\n' -exec cat {} \\;
section end
`;

/** Reads it all at one go. */
export async function readHostState(host: LabHost): Promise<HostState> {
  // It takes a standard input that is a socket for that of rshd, and would read ~/.bashrc.
  const output = await host.mustExec(['bash', '--norc', '-c', SCRIPT, 'bash', INTERFACE]);
  const sections = new Map(
    output
      .split('\n\f')
      .slice(1)
      .map((section) => {
        const end = section.indexOf('\n');
        return [section.slice(0, end), withoutKeys(section.slice(end + 1))] as const;
      }),
  );
  const textOf = (name: string): string => sections.get(name) ?? '';
  const index = textOf('index').trim() || null;
  const live = [...LIVE].flatMap(([name, normalise]) =>
    textOf(name)
      .split('\n')
      .flatMap((line, number, all) => normalise(line.trimEnd(), number, all))
      .map((line) => `${name}: ${line}`),
  );
  const memory = [...textOf('names').trim().split('\n'), ...memoriesOf(textOf('memory'), index)];
  return { index, file: [JSON.stringify(textOf('file'))], live: live.sort(), memory: memory.sort() };
}

/** Without keys, and without the address that the kernel makes for each device anew. */
const withoutKeys = (text: string): string =>
  text
    .replace(
      /[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=/g,
      (key) => `<key ${createHash('sha256').update(key).digest('hex').slice(0, 8)}>`,
    )
    .replace(/fe80:(:?[0-9a-f]{1,4})+/g, 'fe80::X');

type Normalise = (line: string, number: number, all: readonly string[]) => string[];
const asItIs: Normalise = (line) => (line === '' ? [] : [line]);
/** Link-local and multicast addresses are the kernel's own. */
const withoutLinkLocal: Normalise = (line) => (line === '' || /\b(fe80|ff00):/.test(line) ? [] : [line]);

const LIVE: ReadonlyMap<string, Normalise> = new Map([
  ['wg', dumpLine],
  ['link', asItIs],
  ['address', (line: string) => withoutLinkLocal(line.replace(/^\d+: /, ''), 0, [])],
  ['mark', asItIs],
  ['route', withoutLinkLocal],
  ['rule4', asItIs],
  ['rule6', asItIs],
  ['firewall', firewallLine],
  ['iptables', (line: string) => (/^($|#|:|\*|COMMIT)/.test(line) ? [] : [line])],
  ['resolver', asItIs],
]);

/** A line of wg(8) `dump` without what moves by itself: handshakes and bytes. */
function dumpLine(line: string): string[] {
  const columns = line.split('\t');
  if (columns.length !== 8) return asItIs(line, 0, []);
  const [key, presharedKey, endpoint, allowedIps = '', , , , keepalive] = columns;
  return [[key, presharedKey, endpoint, allowedIps.split(',').sort().join(), keepalive].join(' ')];
}

/** A row of the firewall with the table and chain that it stands in. */
function firewallLine(line: string, number: number, all: readonly string[]): string[] {
  if (line === '' || /^\s*(}|(table|chain) .*)$/.test(line)) return /^\s*(table|chain)/.test(line) ? [line.trim()] : [];
  const before = all.slice(0, number).reverse();
  const heads = [/^\t(?=chain)/, /^(?=table)/].map((head) => before.find((own) => head.test(own))?.trim() ?? '');
  const [chain = '', table = ''] = heads;
  return [`${table} ${line.startsWith('\t\t') ? chain : ''} ${line.trim()}`];
}

/** What the agent wrote down; a number of a device that is the present one, or gone, is as any other. */
function memoriesOf(text: string, index: string | null): string[] {
  return text
    .split('\v')
    .slice(1)
    .map((entry) =>
      index === null
        ? entry.replaceAll(/"index":[0-9]+,/g, '"index":"gone",')
        : entry.replaceAll(`"index":${index},`, '"index":"present",'),
    )
    .map((entry) => {
      const end = entry.indexOf('\n');
      return `${entry.slice(0, end)} ${sorted(entry.slice(end + 1).trimEnd())}`;
    });
}

/** JSON with every list in an order that says nothing; other text as it is. */
function sorted(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
      Array.isArray(value) ? value.map((own) => JSON.stringify(own)).sort() : value,
    );
  } catch {
    return JSON.stringify(text);
  }
}

/** Lines by which two states differ, `-` those of the first alone; none = they are the same but for the number of the device. */
export function differences(left: HostState, right: HostState): string[] {
  return PARTS.flatMap((part) => [
    ...without(left[part], right[part]).map((line) => `- ${line}`),
    ...without(right[part], left[part]).map((line) => `+ ${line}`),
  ]);
}

/** The lines of a list that another one has not, each as often as it stands there more often. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const rest = [...other];
  return list.filter((line) => {
    const place = rest.indexOf(line);
    if (place >= 0) rest.splice(place, 1);
    return place < 0;
  });
}

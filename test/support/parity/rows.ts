import { createHash } from 'node:crypto';
import { newPrivateKey } from '../canary.ts';

const keyOf = (seed: string): string => createHash('sha256').update(seed).digest('base64');
/** A [Peer] section; every number is another peer. */
export const peer = (number: number, ...lines: string[]): string =>
  `[Peer]\nPublicKey = ${keyOf(`peer ${String(number)}`)}\n${lines.join('\n')}\n`;
/** An [Interface] section. */
export const section = (...lines: string[]): string =>
  `[Interface]\nPrivateKey = ${newPrivateKey()}\n${lines.join('\n')}\n`;
const many = (count: number, endpoint = false): string =>
  Array.from({ length: count }, (_, at) =>
    peer(
      at,
      `AllowedIPs = 10.${String(60 + (at >> 8))}.${String(at & 255)}.0/24`,
      ...(endpoint ? [`Endpoint = 198.51.100.${String(at & 127)}:51820`] : []),
    ),
  ).join('\n');

const ADDRESS = 'Address = 10.7.0.1/24';
const BOTH = 'Address = 10.7.0.1/24, fd07::1/64';
const EXIT = peer(1, 'AllowedIPs = 0.0.0.0/0, ::/0', 'Endpoint = 198.51.100.9:51820');
const log = (word: string): string => `echo ${word} %i >> /run/parity.log`;
const ALL_HOOKS = ['PreUp', 'PostUp', 'PreDown', 'PostDown'].flatMap((key) => [
  `${key} = ${log(`${key}1`)}`,
  `${key} = ${log(`${key}2`)}`,
]);

/** Within and beside the networks of unusual addresses. */
const OWN_NETWORKS =
  peer(1, 'AllowedIPs = 10.66.1.0/24, 0.5.0.128/25, 224.0.0.64/26, 127.5.0.16/28') +
  peer(2, 'AllowedIPs = fd66::100/120, ff05::80/121, ::80/121, 10.9.0.0/16, fd09::/64');

/** A row of the table: a file, named by what is particular about it. */
export interface ParityRow {
  readonly row: string;
  readonly text: string;
  readonly prepare?: string;
  readonly clean?: string;
}

const LAN = 'ip link add lan0 type veth peer name lan1; ip link set lan0 up; ip link set lan1 up';
const NO_LAN = 'ip link delete lan0';

/** Files that wg-quick and the agent must make the same of. Device `uplink0` of 1500 bytes leads to 198.51.100.0/24. */
export const PARITY_ROWS: readonly ParityRow[] = [
  { row: 'nothing but a section', text: '[Interface]\n' },
  { row: 'a key alone', text: section() },
  { row: 'an IPv4 address', text: section(ADDRESS) },
  { row: 'an IPv6 address', text: section('Address = fd07::1/64') },
  { row: 'addresses of both families', text: section(BOTH) },
  { row: 'several Address lines', text: section(ADDRESS, 'Address = 10.8.0.1/24', 'Address = fd07::1/64') },
  { row: 'two addresses of one network', text: section('Address = 10.7.0.1/24, 10.7.0.2/24') },
  { row: 'a netmask', text: section('Address = 10.7.0.1/255.255.255.0') },
  { row: 'an address without a length', text: section('Address = 10.7.0.1') },
  { row: 'an IPv6 address without a length', text: section('Address = fd07::1') },
  {
    row: 'a header with spaces over keys of wg',
    text: `[ Interface ]\nPrivateKey = ${newPrivateKey()}\n${peer(1, 'AllowedIPs = 10.9.0.0/16')}`,
  },
  { row: 'a header with spaces over keys of wg-quick', text: section(ADDRESS).replace('[Interface]', '[ Interface ]') },
  ...[
    'fd66::1/0',
    '10.66.0.1/0',
    '0.5.0.1/24',
    '224.0.0.5/24',
    '127.5.0.1/24',
    'ff05::7/64',
    '::7/64',
    '240.0.0.1/24',
    '0.0.0.9/24',
  ].map((address) => ({
    row: `an own address of ${address}`,
    text: section(`Address = ${address}`) + OWN_NETWORKS,
  })),
  ...['10.66/16', '10.066.0.1/16', '0x0a.0x42.0.1/16', '10.66.0.1/255.255.0.0', 'FD66:0::1/64'].map((address) => ({
    row: `an address spelt ${address}`,
    text: section(`Address = ${address}`) + OWN_NETWORKS,
  })),
  { row: 'an address of /31', text: section('Address = 10.7.0.2/31') },
  { row: 'an IPv6 address of /127', text: section('Address = fd07::2/127') },
  { row: 'the same address twice, which ip refuses', text: section('Address = 10.7.0.1/24', 'Address = 10.7.0.1/24') },
  { row: 'text that is no address', text: section('Address = 10.0.0.300/24') },
  { row: 'lists by comma, space and tab', text: section('Address = 10.7.0.1/24,10.8.0.1/24 fd07::1/64\tfd08::1/64') },
  {
    row: 'keys in lower case',
    text: `[interface]\nprivatekey = ${newPrivateKey()}\naddress = 10.7.0.1/24\nmtu = 1300\n${peer(1, 'allowedips = 10.9.0.0/16')}`,
  },
  {
    row: 'lines that end in CR LF',
    text: (section(ADDRESS, 'MTU = 1300') + peer(1, 'AllowedIPs = 10.9.0.0/16')).replaceAll('\n', '\r\n'),
  },
  {
    row: 'comments at the end of lines',
    text: section(`${ADDRESS} # c`, 'MTU = 1300 # c') + peer(1, 'AllowedIPs = 10.9.0.0/16 # c'),
  },
  { row: 'a comment in Latin-1', text: section(ADDRESS, '# B\u00fcro') },
  { row: 'white space everywhere', text: section('  Address   =   10.7.0.1/24   ', '\tMTU\t=\t1300\t') },
  {
    row: 'two [Interface] sections',
    text: `${section(ADDRESS)}${peer(1, 'AllowedIPs = 10.9.0.0/16')}[Interface]\nAddress = 10.8.0.1/24\nMTU = 1300\n`,
  },
  { row: 'no final line feed', text: `[Interface]\n${ADDRESS}\nMTU = 1300` },
  { row: 'five peers', text: section(ADDRESS) + many(5) },
  { row: 'fifty peers with endpoints', text: section(ADDRESS) + many(50, true) },
  { row: 'five hundred peers, MTU given', text: section(ADDRESS, 'MTU = 1400') + many(500) },
  {
    row: 'a peer within the own network has no route of its own',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.7.0.2/32'),
  },
  { row: 'a peer whose network is the own one', text: section(BOTH) + peer(1, 'AllowedIPs = 10.7.0.0/24, fd07::/64') },
  {
    row: 'a peer whose network is wider than the own one',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.7.0.0/16'),
  },
  {
    row: 'a peer within a single address',
    text: section('Address = 10.7.0.1/32, fd07::1/128') + peer(1, 'AllowedIPs = 10.7.0.1/32, fd07::1/128, fd07::/64'),
  },
  { row: 'a link-local network', text: section(BOTH) + peer(1, 'AllowedIPs = fe80::1/128') },
  {
    row: 'overlapping networks of two peers',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.9.0.0/16') + peer(2, 'AllowedIPs = 10.9.1.0/24'),
  },
  {
    row: 'the same network in two peers: the last has it',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.9.0.0/16') + peer(2, 'AllowedIPs = 10.9.0.0/16'),
  },
  {
    row: 'a peer twice: the last list counts',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.9.0.0/16') + peer(1, 'AllowedIPs = 10.10.0.0/16'),
  },
  {
    row: 'AllowedIPs over several lines, host bits set',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.9.1.2/16', 'AllowedIPs = fd09::1/64'),
  },
  { row: 'a peer without AllowedIPs', text: section(ADDRESS) + peer(1) },
  {
    row: 'a preshared key, keepalive and an IPv6 endpoint',
    text:
      section(ADDRESS) +
      peer(
        1,
        `PresharedKey = ${keyOf('psk')}`,
        'PersistentKeepalive = 25',
        'Endpoint = [2001:db8::1]:51820',
        'AllowedIPs = fd09::/64',
      ),
  },
  { row: 'keepalive off', text: section(ADDRESS) + peer(1, 'PersistentKeepalive = off') },
  { row: 'a port, and a mark in hex', text: section(ADDRESS, 'ListenPort = 51821', 'FwMark = 0xca6c') },
  { row: 'a mark that is off, port 0', text: section(ADDRESS, 'ListenPort = 0', 'FwMark = off') },
  { row: 'a port by the name of a service', text: section(ADDRESS, 'ListenPort = domain') },
  { row: 'Table = off', text: section(ADDRESS, 'Table = off') + many(3) + EXIT },
  { row: 'Table = auto in words', text: section(ADDRESS, 'Table = auto') + many(3) },
  { row: 'a table by number', text: section(BOTH, 'Table = 1234') + many(3) + EXIT },
  { row: 'a table by name', text: section(ADDRESS, 'Table = default') + many(3) },
  { row: 'a table that ip does not know', text: section(ADDRESS, 'Table = OFF') + many(3) },
  { row: 'everything over IPv4', text: section(ADDRESS) + peer(1, 'AllowedIPs = 0.0.0.0/0') },
  { row: 'everything over IPv6', text: section('Address = fd07::1/64') + peer(1, 'AllowedIPs = ::/0') },
  { row: 'everything', text: section(BOTH) + EXIT },
  { row: 'everything, and networks beside it', text: section(BOTH) + EXIT + many(3) },
  { row: 'everything, with a mark given', text: section(BOTH, 'FwMark = 4660') + EXIT },
  { row: 'everything, without an address', text: section() + EXIT },
  {
    row: 'everything, where the first mark is taken',
    text: section(BOTH) + EXIT,
    prepare: `${LAN}; ip route add default dev lan0 table 51820`,
    clean: NO_LAN,
  },
  { row: 'the halves of everything', text: section(ADDRESS) + peer(1, 'AllowedIPs = 0.0.0.0/1, 128.0.0.0/1') },
  { row: 'an MTU of 1280', text: section(BOTH, 'MTU = 1280') },
  { row: 'an MTU that ends IPv6', text: section(ADDRESS, 'MTU = 1000') },
  {
    row: 'an MTU that ends IPv6 under an IPv6 address and a peer: the route to it fails',
    text: section('Address = fd07::1/64', 'MTU = 1000') + peer(1, 'AllowedIPs = fd07::2/128'),
  },
  { row: 'an MTU that is none', text: section(ADDRESS, 'MTU = big') },
  {
    row: 'the MTU of the path to an endpoint',
    text: section(ADDRESS) + peer(1, 'Endpoint = 192.0.2.1:5'),
    prepare: `${LAN}; ip link set lan0 mtu 1380; ip route add 192.0.2.0/24 dev lan0`,
    clean: NO_LAN,
  },
  {
    row: 'the MTU of a route to an endpoint',
    text: section(ADDRESS) + peer(1, 'Endpoint = 192.0.2.1:5'),
    prepare: `${LAN}; ip route add 192.0.2.0/24 dev lan0 mtu 1333`,
    clean: NO_LAN,
  },
  {
    row: 'the MTU of the best of several paths',
    text: section(ADDRESS) + peer(1, 'Endpoint = 192.0.2.1:5') + peer(2, 'Endpoint = 198.51.100.9:5'),
    prepare: `${LAN}; ip route add 192.0.2.0/24 dev lan0 mtu 1333`,
    clean: NO_LAN,
  },
  {
    row: 'the MTU of the default route',
    text: section(ADDRESS),
    prepare: `${LAN}; ip route add default dev lan0 mtu 1390`,
    clean: NO_LAN,
  },
  { row: 'an endpoint that no route leads to', text: section(ADDRESS) + peer(1, 'Endpoint = 203.0.113.1:5') },
  { row: 'a name server', text: section(ADDRESS, 'DNS = 192.0.2.53') },
  {
    row: 'name servers and domains over several lines',
    text: section(ADDRESS, 'DNS = 192.0.2.53, corp.example', 'DNS = fd00::53 a.example'),
  },
  { row: 'domains alone', text: section(ADDRESS, 'DNS = corp.example') },
  {
    row: 'a name server under a prefix',
    text: section(ADDRESS, 'DNS = 192.0.2.53'),
    prepare: 'mkdir -p /etc/resolvconf; printf "lo\\ntun*\\neth*\\n" > /etc/resolvconf/interface-order',
    clean: 'rm -r /etc/resolvconf',
  },
  { row: 'all hooks, in order', text: section(ADDRESS, ...ALL_HOOKS) },
  {
    row: 'hooks that see the variables of wg-quick',
    text: section(ADDRESS, 'PostUp = echo "$INTERFACE $CONFIG_FILE" >> /run/parity.log'),
  },
  {
    row: 'a hook with a #, where wg-quick cuts it',
    text: section(ADDRESS, 'PostUp = echo a >> /run/parity.log # ; echo b >> /run/parity.log'),
  },
  { row: 'a PreUp that fails', text: section(ADDRESS, 'PreUp = false') },
  {
    row: 'a PostUp that sets an MTU, a route and a peer',
    text: section(
      ADDRESS,
      'MTU = 1400',
      'PostUp = ip link set dev %i mtu 1300',
      'PostUp = ip route add 10.96.0.0/16 dev %i',
      `PostUp = wg set %i peer ${keyOf('hooked')} allowed-ips 10.97.0.0/16`,
    ),
  },
  {
    row: 'a PreUp that makes a bridge',
    text: section(ADDRESS, 'PreUp = ip link add br9 type bridge', 'PostDown = ip link delete br9'),
  },
  {
    row: 'a route that another device holds',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.9.0.0/16'),
    prepare: `${LAN}; ip route add 10.9.0.0/16 dev lan0`,
    clean: NO_LAN,
  },
  {
    row: 'a SaveConfig that is neither true nor false, before any hook',
    text: section(ADDRESS, 'SaveConfig = yes', `PreUp = ${log('PreUp')}`),
  },
  { row: 'a line that wg does not know', text: section(ADDRESS, 'Jc = 4') },
  { row: 'a bad key of a peer', text: `${section(ADDRESS)}[Peer]\nPublicKey = short\n` },
  // What strangers ran into: small inputs of our own, after the thread that is named.
  // MichaIng/DietPi#2491
  {
    row: 'an address without a length, and a peer that is the network around it',
    text: section('Address = 10.8.0.1') + peer(1, 'AllowedIPs = 10.8.0.0/24'),
  },
  // WireGuard/wireguard-vyatta-ubnt#70, untangle/ngfw_src#1146
  {
    row: 'an address whose network another device has, and a peer in it',
    text: section('Address = 10.9.0.1/16') + peer(1, 'AllowedIPs = 10.9.0.0/16, 10.10.0.0/16'),
    prepare: `${LAN}; ip address add 10.9.0.9/16 dev lan0`,
    clean: NO_LAN,
  },
  // angristan/wireguard-install#124
  {
    row: 'an IPv6 address where IPv6 is turned off for new devices',
    text: section(BOTH),
    prepare: 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
    clean: 'echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  },
  // DefGuard/client#804
  {
    row: 'a peer of both families where IPv6 is turned off for new devices',
    text: section(ADDRESS) + peer(1, 'AllowedIPs = 10.9.0.0/16, fd09::/64'),
    prepare: 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
    clean: 'echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  },
  // burghardt/easy-wg-quick#61
  { row: 'a hook whose key somebody glued to its text', text: section(ADDRESS, 'PostUpecho=a') },
  // SirToffski/WireGuard-Ligase#3
  {
    row: 'a hook of several commands, one of which is refused',
    text: section(ADDRESS, 'PostUp = true; ip route add 10.96.0.0/16 %i; true'),
  },
];

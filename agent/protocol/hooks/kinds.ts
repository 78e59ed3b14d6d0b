import { canonicalIp, isIpv6 } from '../address.ts';
import { isKey } from '../key.ts';
import { isNftValue } from './programs/nft.ts';
import { isTcWord } from './programs/tc.ts';
import type { ValueKind } from './syntax.ts';
import type { RunTime, Word } from './words.ts';

/** A value that is told by its text alone. */
const literal = (what: string, accepts: (text: string) => boolean): ValueKind => ({
  what,
  accepts: ({ text, runTime }) => runTime === null && accepts(text),
});
const pattern = (what: string, regex: RegExp): ValueKind => literal(what, (text) => regex.test(text));
const orFound = (kind: ValueKind, found: RunTime['kind']): ValueKind => ({
  what: kind.what,
  accepts: (word: Word) => kind.accepts(word) || word.runTime?.kind === found,
});

export const isNumber = (text: string, least: number, most: number): boolean => {
  const value = /^(?:[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8})$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most;
};
const number = (least: number, most: number): ValueKind =>
  literal(`a number from ${String(least)} to ${String(most)}`, (text) => isNumber(text, least, most));

const isAddress = (text: string): boolean => canonicalIp(text) !== undefined;
const isIPv4 = (text: string): boolean => isAddress(text) && !isIpv6(text);

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, or an address alone. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  if (more.length > 0 || !isAddress(address)) return false;
  if (prefix === undefined) return true;
  return isNumber(prefix, 0, isIPv4(address) ? 32 : 128) || (isIPv4(address) && isIPv4(prefix));
}

const all = (text: string, each: (part: string) => boolean): boolean => {
  const parts = text.split(',');
  return parts.length <= 64 && parts.every(each);
};

/** `80`, `80:90`, `ssh`; `sign` stands between two ends. */
const isPort = (text: string): boolean => isNumber(text, 0, 65_535) || /^[a-z][a-z0-9-]{0,30}$/.test(text);
const isPorts = (text: string, sign: string): boolean => {
  const ends = text.split(sign);
  return ends.length <= 2 && ends.every(isPort);
};

/** `10.0.0.1`, `10.0.0.1-10.0.0.9`, each with `:80` or `:80-90`; IPv6 in brackets where a port follows. */
function isTarget(text: string): boolean {
  const [, bracketed, plain, ports] =
    /^(?:\[([0-9a-fA-F:.-]+)\]|([0-9.-]+|[0-9a-fA-F:-]+(?=$)))?(?::([0-9]{1,5}(?:-[0-9]{1,5})?))?$/.exec(text) ?? [];
  const addresses = (bracketed ?? plain ?? '').split('-').filter((part) => part !== '');
  return (
    (addresses.length > 0 || ports !== undefined) &&
    addresses.length <= 2 &&
    addresses.every(isAddress) &&
    (ports ?? '0').split('-').every(isPort)
  );
}

const DEVICE = /^(?!\.{1,2}$)[A-Za-z0-9_.%=@-]{1,15}$/;
const isDevice = (text: string): boolean => !text.startsWith('-') && DEVICE.test(text);

const MASKED = /^(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})(?:\/(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}))?$/;
const NAME = /^[A-Za-z_%][A-Za-z0-9_.%-]{0,30}$/;
/** Decimal, or a name of rt_tables; ip(8) would read `0376` as 254, which is main. */
const TABLE = /^(?:0|[1-9][0-9]{0,9}|[A-Za-z_%][A-Za-z0-9_.%-]{0,30})$/;
const LIMIT = /^[0-9]{1,6}(?:\/(?:s|sec|second|m|min|minute|h|hour|d|day))?$/;
const KEY_FILE = /^\/(?:etc\/wireguard|run\/credentials|run\/secrets)\/(?!\.)[A-Za-z0-9_%@-][A-Za-z0-9_.%@\/-]*$/;

const isKeyFile = (text: string): boolean => text.length <= 255 && KEY_FILE.test(text) && !/\/\.|\/\/|\/$/.test(text);
const keyFile: ValueKind = {
  what: 'a file below /etc/wireguard, /run/credentials or /run/secrets',
  accepts: ({ text, runTime }) => (runTime === null || runTime.kind === 'file') && isKeyFile(text),
};

/** Tables of the kernel, and words for all of them. */
export const RESERVED_TABLES: ReadonlySet<string> = new Set(
  '0 253 254 255 main local default all cache unspec'.split(' '),
);

/** Of firewalld.richlanguage(5), what people write. */
const RICH_RULE =
  /^rule(?: family="?ipv[46]"?)?(?: priority="?-?[0-9]{1,5}"?)?(?: source (?:not )?address="?([0-9a-fA-F:.\/]{2,49})"?)?(?: destination (?:not )?address="?([0-9a-fA-F:.\/]{2,49})"?)?(?: service name="?[a-z0-9-]{1,32}"?| port port="?[0-9-]{1,11}"? protocol="?(?:tcp|udp)"?)?(?: (?:masquerade|accept|drop|reject))?$/;
function isRichRule(text: string): boolean {
  const networks = RICH_RULE.exec(text)?.slice(1);
  return networks?.every((network: string | undefined) => network === undefined || isNetwork(network)) === true;
}

/** The kinds of values that usages name. */
export const KINDS = {
  number: number(0, 4_294_967_295),
  count: number(1, 65_535),
  prefix: number(0, 128),
  mtu: number(68, 65_535),
  mss: number(1, 65_535),
  port: literal('a port', isPort),
  ports: literal('a port or a range, as 80 or 80:90', (text) => isPorts(text, ':')),
  'port-list': literal('ports, as 80,443 or 8000:8010', (text) => all(text, (part) => isPorts(part, ':'))),
  'port-range': literal('a port or a range, as 80 or 80-90', (text) => isPorts(text, '-')),
  address: orFound(literal('an address, as 10.0.0.1 or fd00::1', isAddress), 'gateway'),
  cidr: literal('an address with its prefix, as 10.0.0.1/24', isNetwork),
  network: literal('a network, as 10.0.0.0/8 or fd00::/8', isNetwork),
  networks: literal('networks, as 10.0.0.0/8,192.168.0.0/16', (text) =>
    all(text, (part) => part === '0/0' || isNetwork(part)),
  ),
  destination: literal(
    'a network, `all` or `default`',
    (text) => /^(?:all|any|default)$/.test(text) || isNetwork(text),
  ),
  range: literal(
    'two addresses, as 10.0.0.1-10.0.0.9',
    (text) => text.split('-').length === 2 && text.split('-').every(isAddress),
  ),
  target: literal('an address, a range or a port, as 10.0.0.1, 10.0.0.1:80 or :8080', isTarget),
  device: literal('a device, as eth0 or %i', isDevice),
  derived: literal(
    'a device named after the interface, as v%i',
    (text) => isDevice(text) && text.includes('%i') && text !== '%i',
  ),
  own: literal('the interface itself, as %i', isDevice),
  devices: literal('a device, as eth0, eth+ or %i', (text) => text === '+' || isDevice(text.replace(/\+$/, ''))),
  protocol: pattern('a protocol, as tcp or udp', /^(?:[A-Za-z][A-Za-z0-9-]{0,15}|[0-9]{1,3})$/),
  table: pattern('a routing table, as main or 200', TABLE),
  'own-table': literal(
    'a routing table of its own, as 200',
    (text) => TABLE.test(text) && !text.includes('%') && !RESERVED_TABLES.has(text),
  ),
  mark: orFound(pattern('a mark, as 51820, 0x1/0xff or $(wg show %i fwmark)', MASKED), 'fwmark'),
  chain: pattern('a chain', NAME),
  name: pattern('a name', NAME),
  comment: pattern('a comment without quotes and backslashes', /^[ !#-[\]-~]{0,200}$/),
  states: pattern(
    'states, as NEW or RELATED,ESTABLISHED',
    /^(?:(?:INVALID|NEW|ESTABLISHED|RELATED|UNTRACKED|SNAT|DNAT)(?:,(?!$)|$)){1,7}$/i,
  ),
  'address-type': pattern(
    'a type of address, as LOCAL',
    /^(?:UNSPEC|UNICAST|LOCAL|BROADCAST|ANYCAST|MULTICAST|BLACKHOLE|UNREACHABLE|PROHIBIT|THROW|NAT)(?:,[A-Z]+){0,5}$/,
  ),
  'tcp-flags': pattern('flags, as SYN,RST', /^(?:(?:SYN|ACK|FIN|RST|URG|PSH|ALL|NONE)(?:,(?!$)|$)){1,8}$/),
  'icmp-type': pattern('an ICMP type, as echo-request', /^[a-z0-9/-]{1,40}$/),
  'reject-type': pattern('a reply, as icmp-port-unreachable', /^[a-z0-9-]{1,40}$/),
  limit: pattern('a rate, as 5/minute', LIMIT),
  log: pattern('a text without quotes and backslashes', /^[ !#-[\]-~]{1,64}$/),
  'log-level': pattern('a level, as info', /^(?:[0-7]|emerg|alert|crit|err|error|warn|warning|notice|info|debug)$/),
  'dscp-class': pattern('a DSCP class, as EF', /^(?:CS[0-7]|BE|AF[1-4][1-3]|EF)$/i),
  'set-flags': pattern('src or dst, as src,dst', /^(?:src|dst)(?:,(?:src|dst)){0,5}$/),
  length: pattern('a length, as 100 or 0:500', /^[0-9]{1,5}(?::[0-9]{1,5})?$/),
  mac: pattern('a hardware address', /^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/),
  user: pattern('a number of a user, as 1000 or 1000-1999', /^[0-9]{1,10}(?:-[0-9]{1,10})?$/),
  scope: pattern('a scope, as link', /^(?:global|link|host|site|nowhere|[0-9]{1,3})$/),
  origin: pattern('a routing protocol, as static', /^[a-z0-9]{1,20}$/),
  priority: number(0, 4_294_967_295),
  'public-key': literal('a public key', isKey),
  'key-file': keyFile,
  domain: pattern('a domain, as example.net or ~.', /^(?!-)~?(?:\.|(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?)$/),
  server: literal(
    'a name server, as 10.0.0.1',
    (text) => isAddress(text.replace(/:[0-9]{1,5}$/, '')) || isAddress(text),
  ),
  tag: pattern('a tag, as wireguard', /^[A-Za-z0-9_.%@-]{1,48}$/),
  'log-priority': pattern('a priority, as daemon.info', /^(?:[a-z0-9]{1,10}\.)?[a-z]{1,8}$/),
  pings: number(1, 10),
  message: pattern('a text that begins with no `-`', /^(?!-)[ !-~]{1,200}$/),
  'yes-no': pattern('yes or no', /^(?:yes|no|true|false|on|off|allow-downgrade|opportunistic|resolve)$/),
  record: pattern('the record of an interface, as %i or tun.%i', /^(?:tun\.)?[A-Za-z0-9_.%-]{1,20}$/),
  text: pattern('a text', /^[ !-~]*$/),
  'port-protocol': pattern(
    'a port with its protocol, as 51820/udp',
    /^[0-9]{1,5}(?:-[0-9]{1,5})?\/(?:tcp|udp|sctp|dccp)$/,
  ),
  'ufw-port': pattern('a port, as 51820 or 51820/udp', /^[0-9]{1,5}(?:[:,][0-9]{1,5}){0,14}(?:\/(?:tcp|udp))?$/),
  zone: pattern('a zone', /^[A-Za-z0-9_-]{1,17}$/),
  family: pattern('ipv4 or ipv6', /^(?:ipv4|ipv6)$/),
  'own-set': pattern(
    'a set named after the interface, as allowed_%i',
    /^[A-Za-z_]?[A-Za-z0-9_.-]{0,20}%i[A-Za-z0-9_.-]{0,20}$/,
  ),
  'set-type': pattern('a type of set, as hash:ip', /^(?:hash|bitmap|list):[a-z,]{2,30}$/),
  element: pattern('an element of a set, as an address', /^[0-9a-fA-F][0-9a-fA-F:.,/_a-z-]{0,80}$/),
  setting: pattern('KEY=VALUE', /^[^=]+=[^=]*$/),
  'tc-word': literal('a word of tc', isTcWord),
  'rich-rule': literal('a rich rule, as `rule family=ipv4 source address=10.0.0.0/8 masquerade`', isRichRule),
  'nft-value': literal('a value of nft', isNftValue),
  'nft-text': pattern('a text in quotes', /^"[A-Za-z0-9_.%+*@:\/ -]*"$|^[A-Za-z0-9_%-]+$/),
  'nft-type': pattern(
    'a type of nft, as ipv4_addr',
    /^(?:ipv4_addr|ipv6_addr|ether_addr|inet_proto|inet_service|mark|ifname)$/,
  ),
  'nft-time': pattern('a time, as 1h', /^[0-9dhms]{1,16}$/),
  'nft-priority': pattern('a priority, as 0 or srcnat', /^(?:-?[0-9]{1,5}|raw|mangle|dstnat|filter|security|srcnat)$/),
  bar: pattern('|', /^\|$/),
} as const satisfies Readonly<Record<string, ValueKind>>;

import ipaddr from 'ipaddr.js';

/** An address with its prefix length, in canonical text: `10.0.0.1/24`, `fd00::1/64`. */
export type Cidr = string;

const LENGTH = /^(0|[1-9][0-9]{0,2})$/;

/** The dotted end that an IPv6 address may have must be four plain decimals, too. */
const hasPlainTail = (text: string): boolean =>
  !text.includes('.') || ipaddr.IPv4.isValidFourPartDecimal(text.slice(text.lastIndexOf(':') + 1));

/** The canonical text of an IP address without prefix length, or undefined. Refuses zones, octal, hex and short forms. */
export function canonicalIp(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString();
  if (text.includes(':') && !text.includes('%') && hasPlainTail(text) && ipaddr.IPv6.isValid(text)) {
    const address = ipaddr.IPv6.parse(text);
    return address.isIPv4MappedAddress() ? `::ffff:${address.toIPv4Address().toString()}` : address.toRFC5952String();
  }
  return undefined;
}

/** The canonical text of `ip[/len]`; without a length it is /32 or /128, as wg-quick(8) takes it. Undefined when it is none. */
export function canonicalCidr(text: string): Cidr | undefined {
  const [host = '', length, ...rest] = text.split('/');
  const ip = canonicalIp(host);
  if (ip === undefined || rest.length > 0) return undefined;
  const bits = ip.includes(':') ? 128 : 32;
  if (length === undefined) return `${ip}/${String(bits)}`;
  if (!LENGTH.test(length) || Number(length) > bits) return undefined;
  return `${ip}/${length}`;
}

/** The network that an address lies in: `10.0.0.7/24` gives `10.0.0.0/24`. The argument must be canonical. */
export function networkOf(cidr: Cidr): Cidr {
  const [host = '', length = '0'] = cidr.split('/');
  const parsed = ipaddr.parse(host);
  const bytes = parsed.toByteArray();
  const masked = bytes.map((byte, index) => {
    const keep = Math.min(8, Math.max(0, Number(length) - index * 8));
    return byte & (0xff << (8 - keep)) & 0xff;
  });
  return `${canonicalIp(ipaddr.fromByteArray(masked).toString()) ?? host}/${length}`;
}

/** Tells whether any of the networks holds an address or network: by look-ups, one for each prefix length, as there may be thousands. */
export function coverage(networks: readonly Cidr[]): (ip: Cidr) => boolean {
  const exact = new Set(networks);
  const masked = new Set(networks.map(networkOf));
  const lengths = [...new Set(networks.map((network) => Number(network.split('/')[1])))];
  return (ip) => {
    if (exact.has(ip)) return true;
    const [host = '', own = '0'] = ip.split('/');
    return lengths.some((length) => length <= Number(own) && masked.has(networkOf(`${host}/${String(length)}`)));
  };
}

/** fe80::/10: the kernel and wireguard-go make such addresses by themselves. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address);

export const isIpv6 = (address: string): boolean => address.includes(':');

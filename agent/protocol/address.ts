import ipaddr from 'ipaddr.js';

declare const proven: unique symbol;

/**
 * An address with its prefix length, valid and in canonical text: `10.0.0.1/24`, `fd00::1/64`. Only the functions of this file make
 * one, so whoever holds a Cidr need not check it.
 */
export type Cidr = string & { readonly [proven]: 'Cidr' };

const LENGTH = /^(0|[1-9][0-9]{0,2})$/;
/** Four plain decimals are canonical as they stand: every allowed IP of every read comes by here. */
const IPV4 = /^(?:(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])(?:\.(?!$)|$)){4}$/;

/** An IPv6 address may end in dotted IPv4 notation, which must then be four plain decimals, too. */
const hasPlainTail = (text: string): boolean => !text.includes('.') || IPV4.test(text.slice(text.lastIndexOf(':') + 1));

/** The canonical text of an IP address without prefix length, or undefined. Refuses zones, octal, hex and short forms. */
export function canonicalIp(text: string): string | undefined {
  if (IPV4.test(text)) return text;
  if (text.includes(':') && !text.includes('%') && hasPlainTail(text) && ipaddr.IPv6.isValid(text)) {
    const address = ipaddr.IPv6.parse(text);
    return address.isIPv4MappedAddress() ? `::ffff:${address.toIPv4Address().toString()}` : address.toRFC5952String();
  }
  return undefined;
}

/** Parses `ip[/len]`; without a length it is /32 or /128, as wg-quick(8) takes it. Undefined when the text is no such address. */
export function parseCidr(text: string): Cidr | undefined {
  const [host = '', length, ...rest] = text.split('/');
  const ip = canonicalIp(host);
  if (ip === undefined || rest.length > 0) return undefined;
  const bits = ip.includes(':') ? 128 : 32;
  if (length === undefined) return `${ip}/${String(bits)}` as Cidr;
  if (!LENGTH.test(length) || Number(length) > bits) return undefined;
  return `${ip}/${length}` as Cidr;
}

/** The prefix length that an IPv4 netmask stands for, or undefined when the text is no netmask: `255.255.255.0` gives 24. */
function lengthOfNetmask(text: string): number | undefined {
  if (!IPV4.test(text)) return undefined;
  return ipaddr.IPv4.parse(text).prefixLengthFromSubnetMask() ?? undefined;
}

/** Parses an address as wg-quick's `Address` takes it: like `parseCidr`, and an IPv4 netmask in place of the length (ip-address(8)). */
export function parseInterfaceAddress(text: string): Cidr | undefined {
  const [host = '', mask = '', ...rest] = text.split('/');
  const length = rest.length === 0 && !host.includes(':') ? lengthOfNetmask(mask) : undefined;
  return parseCidr(length === undefined ? text : `${host}/${String(length)}`);
}

/** The address without its prefix length. */
export const ipOf = (cidr: Cidr): string => cidr.slice(0, cidr.indexOf('/'));

/** The prefix length. */
export const lengthOf = (cidr: Cidr): number => Number(cidr.slice(cidr.indexOf('/') + 1));

/** The address with another prefix length, which must be in the range of its family. */
const withLength = (cidr: Cidr, length: number): Cidr => `${ipOf(cidr)}/${String(length)}` as Cidr;

/** The network that an address lies in: `10.0.0.7/24` gives `10.0.0.0/24`. */
export function networkOf(cidr: Cidr): Cidr {
  const length = lengthOf(cidr);
  if (!isIpv6(cidr)) return cidr4(number4(ipOf(cidr)), length);
  const masked = ipaddr
    .parse(ipOf(cidr))
    .toByteArray()
    .map((byte, index) => {
      const keep = Math.min(8, Math.max(0, length - index * 8));
      return byte & (0xff << (8 - keep)) & 0xff;
    });
  const network = canonicalIp(ipaddr.fromByteArray(masked).toString()) ?? ipOf(cidr);
  return `${network}/${String(length)}` as Cidr;
}

/** Parses `ip[/len]` as the network that it lies in; undefined when the text is no such address. */
export function parseNetwork(text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : networkOf(cidr);
}

const number4 = (ip: string): number => ip.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);

/** The IPv4 network of this length that a 32-bit number, the first octet highest, lies in. */
export function cidr4(number: number, length: number): Cidr {
  const host = 2 ** (32 - length);
  const network = number - (number % host);
  const octets = [24, 16, 8, 0].map((bits) => String((network >>> bits) & 0xff));
  return `${octets.join('.')}/${String(length)}` as Cidr;
}

/** Every network that covers this one, itself among them. */
export const holdersOf = (network: Cidr): ReadonlySet<Cidr> =>
  new Set(Array.from({ length: lengthOf(network) + 1 }, (_, length) => networkOf(withLength(network, length))));

/** Tells whether any of the networks holds an address or network: by look-ups, one for each prefix length, as there may be thousands. */
export function coverage(networks: readonly Cidr[]): (ip: Cidr) => boolean {
  const exact = new Set(networks);
  const masked = new Set(networks.map(networkOf));
  const lengths = [...new Set(networks.map(lengthOf))];
  return (ip) =>
    exact.has(ip) || lengths.some((length) => length <= lengthOf(ip) && masked.has(networkOf(withLength(ip, length))));
}

/** Whether the address is of fe80::/10: the kernel and wireguard-go make such addresses by themselves. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address);

/** Whether an address or network in text form is IPv6. */
export const isIpv6 = (address: string): boolean => address.includes(':');

import { type Cidr, cidr4, parseCidr } from '../protocol/address.ts';

/** `/proc/net` writes IPv4 addresses and masks as hex of the little-endian number. */
const number4 = (hex: string): number => {
  const number = Number.parseInt(hex, 16);
  return (((number & 0xff) << 24) | ((number & 0xff00) << 8) | ((number >>> 8) & 0xff00) | (number >>> 24)) >>> 0;
};

const ipv6Of = (hex: string): string => (hex.match(/.{4}/g) ?? []).join(':');

/** The columns of the lines in which the device's name stands as a word: there may be a million others. */
function rows(text: string, device: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.includes(device))
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row.length > 4);
}

/** Destinations of the routes of one device in /proc/net/route (proc(5)): the IPv4 main table. */
export function parseRoutes4(text: string, device: string): Cidr[] {
  const own = `${device}\t`;
  return text
    .split('\n')
    .filter((line) => line.startsWith(own))
    .map((line) => {
      const columns = line.split('\t');
      const mask = number4(columns[7] ?? '0');
      return cidr4(number4(columns[1] ?? '0'), mask === 0 ? 0 : Math.clz32(~mask));
    });
}

const RTF_REJECT = 0x0200;
const RTF_ANYCAST = 0x00100000;
const RTF_LOCAL = 0x80000000;
const NOT_UNICAST = BigInt(RTF_REJECT) | BigInt(RTF_ANYCAST) | BigInt(RTF_LOCAL);

/**
 * Destinations of the unicast routes of one device in /proc/net/ipv6_route (proc(5)). The file does not tell the table: the default
 * route is left out, because that of wg-quick stands in a table of its own.
 */
export const parseRoutes6 = (text: string, device: string): Cidr[] =>
  rows(text, device)
    .filter((row) => row[9] === device)
    .filter((row) => {
      const flags = BigInt(`0x${row[8] ?? '0'}`);
      const isUnicast = (flags & NOT_UNICAST) === 0n;
      return isUnicast && row[1] !== '00' && !(row[1] === '08' && row[0]?.startsWith('ff00'));
    })
    .flatMap((row) => parseCidr(`${ipv6Of(row[0] ?? '')}/${String(Number.parseInt(row[1] ?? '0', 16))}`) ?? []);

/** IPv6 addresses of one device in /proc/net/if_inet6 (proc(5)), link-local ones included. */
export const parseAddresses6 = (text: string, device: string): Cidr[] =>
  rows(text, device)
    .filter((row) => row[5] === device)
    .flatMap((row) => parseCidr(`${ipv6Of(row[0] ?? '')}/${String(Number.parseInt(row[2] ?? '0', 16))}`) ?? []);

import { networkOf, parseInterfaceAddress } from '../../address.ts';
import { shortOption } from '../iptables-words.ts';

/**
 * A rule of iptables(8) as it was written, in one spelling: options short and in one order, networks, protocols and ports canonical,
 * matches that say nothing left out. Names of ports stay names.
 */
export function normalRule(rule: string): string {
  const words = rule.match(/"[^"]*"|\S+/g) ?? [];
  const groups: string[][] = [];
  for (const word of words) {
    const last = groups.at(-1);
    const begins = word === '!' || (word.startsWith('-') && !(last?.length === 1 && last[0] === '!'));
    if (begins || last === undefined) groups.push([word]);
    else last.push(word);
  }
  return groups
    .flatMap((group) => normalGroup(group.map((word) => shortOption(word))))
    .sort()
    .join(' ');
}

/** None = it says nothing. */
function normalGroup(group: readonly string[]): string[] {
  const isNot = group[0] === '!';
  const [option = '', value = '', ...more] = isNot ? group.slice(1) : group;
  if (option === '-m')
    return /^(?:tcp|udp|icmp6?)$/.test(value) ? [] : [`-m ${value === 'state' ? 'conntrack' : value}`];
  const normal = VALUES[option]?.(value) ?? value;
  if (normal === EVERYTHING && !isNot) return [];
  return [[...(isNot ? ['!'] : []), option, normal, ...more].filter((word) => word !== '').join(' ')];
}

const EVERYTHING = 'everything';

/** As they are compared; `EVERYTHING` = an option with this value says nothing. */
const VALUES: Readonly<Record<string, (value: string) => string>> = {
  '-s': networksOf,
  '-d': networksOf,
  '-i': deviceOf,
  '-o': deviceOf,
  '-p': protocolOf,
  '--sport': portsOf,
  '--dport': portsOf,
  '--ctstate': (value) => value.split(',').sort().join(','),
};

/** Whether iptables(8) takes it for every address of the family. */
export const isAnywhere = (network: string): boolean => networksOf(network) === EVERYTHING;

function networksOf(value: string): string {
  const networks = value.split(',').map((text) => {
    const network = parseInterfaceAddress(text === '0/0' ? '0.0.0.0/0' : text);
    return network === undefined ? text : networkOf(network);
  });
  return networks.some((network) => network.endsWith('/0')) ? EVERYTHING : networks.sort().join(',');
}

function deviceOf(value: string): string {
  return value === '+' ? EVERYTHING : value;
}

/** protocols(5), of those that people write rules for. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  ...{ '0': EVERYTHING, all: EVERYTHING, '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'ipv6-icmp' },
  ...{ icmpv6: 'ipv6-icmp', icmp6: 'ipv6-icmp' },
};

function protocolOf(value: string): string {
  const name = value.toLowerCase();
  return PROTOCOLS[name] ?? name;
}

/** `80:80` = `80`; an end that is left out is the first or the last port. */
function portsOf(value: string): string {
  const [first = '', last] = value.split(':');
  if (last === undefined || first === last) return first;
  return `${first === '' ? '0' : first}:${last === '' ? '65535' : last}`;
}

import { createHash } from 'node:crypto';
import { peer } from './rows.ts';

/** Numbers of a seed, always the same ones (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Random words of a file. */
class Words {
  readonly #random: () => number;

  constructor(seed: string) {
    this.#random = randomOf(Number.parseInt(hashOf(seed, 'hex').slice(0, 8), 16));
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(part: number): boolean {
    return this.#random() < part;
  }

  pick<T>(...items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  ipv4(): string {
    const byte = (): string => String(this.below(256));
    return `10.${this.pick('7', '8', '9', '60')}.${this.pick('0', byte())}.${this.pick('1', '2', byte())}`;
  }

  ipv6(): string {
    return `fd0${this.pick('7', '8', '9')}::${this.pick('1', '2', this.below(0xffff).toString(16))}`;
  }

  network(): string {
    if (this.chance(0.05)) return this.pick('0.0.0.0/0', '::/0', '0.0.0.0/1', 'fe80::/64');
    return this.chance(0.65)
      ? `${this.ipv4()}${this.pick('', '/32', '/32', '/24', '/16', '/9', `/${String(8 + this.below(25))}`)}`
      : `${this.ipv6()}${this.pick('', '/128', '/64', '/48', `/${String(16 + this.below(113))}`)}`;
  }

  address(): string {
    return this.chance(0.7)
      ? `${this.ipv4()}${this.pick('', '/32', '/24', '/24', '/31', '/16', '/255.255.255.0', `/${String(8 + this.below(25))}`)}`
      : `${this.ipv6()}${this.pick('', '/128', '/64', '/64', '/127', `/${String(16 + this.below(113))}`)}`;
  }

  /** A line in one of the ways in which people write it. */
  line(key: string, value: string): string {
    const cased = this.pick(key, key, key.toLowerCase(), key.toUpperCase());
    return `${this.pick('', '', ' ', '\t')}${cased}${this.pick(' = ', '=', '  =\t')}${value}${this.pick('', '', '', ' # c', '  ')}`;
  }

  list(items: readonly string[], ...separators: readonly [string, ...string[]]): string {
    return items.reduce((text, item) => `${text}${this.pick(...separators)}${item}`);
  }
}

const hashOf = (text: string, form: 'hex' | 'base64'): string => createHash('sha256').update(text).digest(form);

/** The file of this number: any mixture of what people write, now and then something that is refused. */
export function generatedFile(seed: number, number: number): string {
  const words = new Words(`${String(seed)} ${String(number)}`);
  const lines = [words.line('PrivateKey', hashOf(`key ${String(number)}`, 'base64')), ...ownLines(words)];
  const peers = Array.from({ length: words.chance(0.02) ? 40 : words.below(6) }, (_, at) =>
    peer(words.chance(0.05) ? 0 : at, ...peerLines(words)),
  );
  const text = ['[Interface]', ...lines, '', ...peers].join('\n');
  return words.chance(0.05) ? text.replaceAll('\n', '\r\n') : `${text}\n`;
}

function ownLines(words: Words): string[] {
  const lines: string[] = [];
  for (let count = words.below(3); count >= 0; count -= 1) {
    const addresses = words.some(2, () => words.address());
    if (addresses.length > 0) lines.push(words.line('Address', words.list(addresses, ', ', ',', ' ', '\t')));
  }
  const maybe = (part: number, key: string, ...values: readonly [string, ...string[]]): void => {
    if (words.chance(part)) lines.push(words.line(key, words.pick(...values)));
  };
  maybe(0.4, 'ListenPort', '51820', '0', String(1024 + words.below(60_000)));
  maybe(0.5, 'MTU', '1420', '1280', '1400', '1000', String(1280 + words.below(300)));
  maybe(0.25, 'FwMark', 'off', '0x51', '1234', '0', '51820');
  maybe(0.35, 'Table', 'off', 'auto', '1234', '200', 'default');
  maybe(0.15, 'DNS', '192.0.2.53', '192.0.2.53, fd00::53, corp.example', 'corp.example');
  if (words.chance(0.2)) for (const [key, hook] of words.pick(...HOOKS)) lines.push(words.line(key, hook));
  if (words.chance(0.03))
    lines.push(words.pick('Jc = 4', 'Address = 10.0.0.300/24', 'ListenPort = x', 'Nonsense', 'MTU = big'));
  return lines;
}

/** After a set-up that fails only the agent runs the teardown, an argued difference: so `false` has none. */
const HOOKS: readonly [readonly (readonly [string, string])[], ...(readonly (readonly [string, string])[])[]] = [
  [['PostUp', 'ip link set dev %i mtu 1300']],
  [
    ['PostUp', 'echo up >> /run/parity.log'],
    ['PostDown', 'echo down >> /run/parity.log'],
  ],
  [['PostUp', 'false']],
  [['PreDown', 'echo down >> /run/parity.log']],
];

const peerLines = (words: Words): string[] => [
  ...words.some(2, () =>
    words.line('AllowedIPs', words.list([words.network(), ...words.some(3, () => words.network())], ', ', ',')),
  ),
  ...(words.chance(0.3)
    ? [words.line('Endpoint', words.pick('198.51.100.9:51820', '[2001:db8::1]:5', '192.0.2.7:1'))]
    : []),
  ...(words.chance(0.2) ? [words.line('PersistentKeepalive', words.pick('25', 'off', '0'))] : []),
  ...(words.chance(0.1) ? [words.line('PresharedKey', hashOf('psk', 'base64'))] : []),
];

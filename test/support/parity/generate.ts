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

/** The file of this number: any mixture of what people write, now and then something that is refused. */
export function generatedFile(seed: number, number: number): string {
  const random = randomOf(
    Number.parseInt(
      createHash('sha256')
        .update(`${String(seed)} ${String(number)}`)
        .digest('hex')
        .slice(0, 8),
      16,
    ),
  );
  const below = (limit: number): number => Math.floor(random() * limit);
  const chance = (part: number): boolean => random() < part;
  const pick = <T>(...items: readonly [T, ...T[]]): T => items[below(items.length)] ?? items[0];
  const some = (most: number, make: () => string): string[] => Array.from({ length: below(most + 1) }, make);
  const byte = (): string => String(below(256));

  const ipv4 = (): string => `10.${pick('7', '8', '9', '60')}.${pick('0', byte())}.${pick('1', '2', byte())}`;
  const ipv6 = (): string => `fd0${pick('7', '8', '9')}::${pick('1', '2', below(0xffff).toString(16))}`;
  const network = (): string => {
    if (chance(0.05)) return pick('0.0.0.0/0', '::/0', '0.0.0.0/1', 'fe80::/64');
    return chance(0.65)
      ? `${ipv4()}${pick('', '/32', '/32', '/24', '/16', '/9', `/${String(8 + below(25))}`)}`
      : `${ipv6()}${pick('', '/128', '/64', '/48', `/${String(16 + below(113))}`)}`;
  };
  const address = (): string =>
    chance(0.7)
      ? `${ipv4()}${pick('', '/32', '/24', '/24', '/31', '/16', '/255.255.255.0', `/${String(8 + below(25))}`)}`
      : `${ipv6()}${pick('', '/128', '/64', '/64', '/127', `/${String(16 + below(113))}`)}`;
  const cased = (key: string): string => pick(key, key, key.toLowerCase(), key.toUpperCase());
  const line = (key: string, value: string): string =>
    `${pick('', '', ' ', '\t')}${cased(key)}${pick(' = ', '=', '  =\t')}${value}${pick('', '', '', ' # c', '  ')}`;
  const listed = (items: readonly string[], separators: readonly [string, ...string[]]): string =>
    items.reduce((text, item) => `${text}${pick(...separators)}${item}`);

  const lines = [
    line(
      'PrivateKey',
      createHash('sha256')
        .update(`key ${String(number)}`)
        .digest('base64'),
    ),
  ];
  for (let count = below(3); count >= 0; count -= 1) {
    const addresses = some(2, address);
    if (addresses.length > 0) lines.push(line('Address', listed(addresses, [', ', ',', ' ', '\t'])));
  }
  if (chance(0.4)) lines.push(line('ListenPort', pick('51820', '0', String(1024 + below(60_000)))));
  if (chance(0.5)) lines.push(line('MTU', pick('1420', '1280', '1400', '1000', String(1280 + below(300)))));
  if (chance(0.25)) lines.push(line('FwMark', pick('off', '0x51', '1234', '0', '51820')));
  if (chance(0.35)) lines.push(line('Table', pick('off', 'auto', '1234', '200', 'default')));
  if (chance(0.15)) lines.push(line('DNS', pick('192.0.2.53', '192.0.2.53, fd00::53, corp.example', 'corp.example')));
  // After a set-up that fails only the agent runs the teardown: an argued difference.
  const hooks = pick(
    ['PostUp|ip link set dev %i mtu 1300'],
    ['PostUp|echo up >> /run/parity.log', 'PostDown|echo down >> /run/parity.log'],
    ['PostUp|false'],
    ['PreDown|echo down >> /run/parity.log'],
  );
  if (chance(0.2)) for (const hook of hooks) lines.push(line(hook.split('|')[0] ?? '', hook.split('|')[1] ?? ''));
  if (chance(0.03)) lines.push(pick('Jc = 4', 'Address = 10.0.0.300/24', 'ListenPort = x', 'Nonsense', 'MTU = big'));
  const peers = Array.from({ length: chance(0.02) ? 40 : below(6) }, (_, at) =>
    peer(
      chance(0.05) ? 0 : at,
      ...some(2, () => line('AllowedIPs', listed([network(), ...some(3, network)], [', ', ',']))),
      ...(chance(0.3) ? [line('Endpoint', pick('198.51.100.9:51820', '[2001:db8::1]:5', '192.0.2.7:1'))] : []),
      ...(chance(0.2) ? [line('PersistentKeepalive', pick('25', 'off', '0'))] : []),
      ...(chance(0.1) ? [line('PresharedKey', createHash('sha256').update('psk').digest('base64'))] : []),
    ),
  );
  const text = ['[Interface]', ...lines, '', ...peers].join('\n');
  return chance(0.05) ? text.replaceAll('\n', '\r\n') : `${text}\n`;
}

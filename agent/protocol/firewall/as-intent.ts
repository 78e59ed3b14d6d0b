import type { HookCommand } from '../hooks/hook.ts';
import type { Intent, Protocol } from './intent.ts';
import { parseNetwork } from '../address.ts';
import { isAnywhere } from '../hooks/effects/normal-rule.ts';
import { isIptables, shortOption } from '../hooks/iptables-words.ts';

/** An intent without its name. */
export type Unnamed = { [T in Intent['type']]: Omit<Extract<Intent, { readonly type: T }>, 'name'> }[Intent['type']];

/** The typed intent that says what a command of a hook does; null = none does. `words`: `%i` replaced by `device`. */
export function asIntent({ program }: HookCommand, words: readonly (string | null)[], device: string): Unnamed | null {
  const texts = words.map((word) => word ?? '');
  if (isIptables(program)) return ofIptables(texts, device);
  if (program === 'sysctl') return ofSysctl(texts);
  return program === 'ip' ? ofRule(texts) : null;
}

const spelled = (word: string): string => (word === '--to' ? '--to-destination' : shortOption(word));

/** Options and their values; null = there is something that no intent can say. */
function optionsOf(texts: readonly string[]): ReadonlyMap<string, string> | null {
  const options = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 1) {
    const word = spelled(texts[at] ?? '');
    const next = texts[at + 1] ?? '';
    if (word === '-w') {
      if (/^[0-9]+$/.test(next)) at += 1;
      continue;
    }
    if (word === '--clamp-mss-to-pmtu' || word === '--syn') {
      options.set(word, '');
      continue;
    }
    if (word === '-m') {
      at += 1;
      if (!/^(?:tcp|udp|conntrack|state|multiport|comment|mark|addrtype)$/.test(next)) return null;
      continue;
    }
    if (word === '--comment') {
      at += 1;
      continue;
    }
    const isNot = word === '!';
    const key = isNot ? `!${spelled(next)}` : word;
    if (!key.replace('!', '').startsWith('-') || options.has(key)) return null;
    options.set(key, texts[at + (isNot ? 2 : 1)] ?? '');
    at += isNot ? 2 : 1;
    if (key === '-I' && /^[0-9]+$/.test(texts[at + 1] ?? '')) at += 1;
    if (key === '--tcp-flags') at += 1;
  }
  return options;
}

/** A member with what is there of it. */
const some = (values: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** A rule of iptables(8) by its options. */
interface Rule {
  readonly device: string;
  readonly target: string;
  readonly get: (option: string) => string | undefined;
  /** Whether it has no options but these, beside those that say what and where it is. */
  readonly has: (...options: readonly string[]) => boolean;
  readonly networks: (option: string) => readonly string[] | undefined;
  readonly protocol: Protocol | undefined;
  readonly ports: readonly number[] | undefined;
}

type Member<T extends Unnamed['type'], K extends string> =
  Extract<Unnamed, { readonly type: T }> extends Readonly<Record<K, infer V>> ? V : never;

/** By table, chain and target; the first that knows the rule. */
const FORMS: readonly (readonly [RegExp, (rule: Rule) => Unnamed | null])[] = [
  [
    /^nat POSTROUTING MASQUERADE$/,
    ({ get, has, networks }) =>
      has('-o', '-s')
        ? { type: 'Masquerade', masquerade: some({ outInterface: get('-o'), sources: networks('-s') }) }
        : null,
  ],
  [
    /^nat POSTROUTING SNAT$/,
    ({ get, has, networks }) => {
      if (!has('-o', '-s', '--to-source', '--to-destination')) return null;
      const toAddress = get('--to-source') ?? get('--to-destination');
      return {
        type: 'SNAT',
        snat: some({ outInterface: get('-o'), sources: networks('-s'), toAddress }) as Member<'SNAT', 'snat'>,
      };
    },
  ],
  [/^nat PREROUTING DNAT$/, portForward],
  [
    /^(?:mangle|filter) FORWARD TCPMSS$/,
    ({ get, has }) => {
      if (!has('-i', '-o', '-p', '--tcp-flags', '--syn', '--clamp-mss-to-pmtu', '--set-mss')) return null;
      const size = get('--set-mss');
      return { type: 'MSSClamp', ...(size === undefined ? {} : { mssClamp: { mss: Number(size) } }) };
    },
  ],
  [
    /^filter INPUT ACCEPT$/,
    ({ get, has, networks, protocol, ports }) => {
      if (!has('-i', '-s', '-p', '--dport', '--dports') || protocol === undefined || ports === undefined) return null;
      const member = some({ inInterface: get('-i'), protocol, ports, sources: networks('-s') });
      return { type: 'OpenPort', openPort: member as Member<'OpenPort', 'openPort'> };
    },
  ],
  [
    /^filter OUTPUT (?:DROP|REJECT)$/,
    ({ get, has, device }) => {
      if (get('!-o') !== device || !has('!-o', '!--mark', '!--dst-type', '!-d', '--reject-with')) return null;
      const network = get('!-d');
      return { type: 'KillSwitch', ...(network === undefined ? {} : { killSwitch: { allowedNetworks: [network] } }) };
    },
  ],
  [/^filter FORWARD (?:ACCEPT|DROP|REJECT)$/, forward],
];

function portForward({ get, has, protocol, ports = [] }: Rule): Unnamed | null {
  const [port, ...more] = ports;
  const isWhole = get('-i') !== undefined && protocol !== undefined && port !== undefined && more.length === 0;
  if (!isWhole || !has('-i', '-p', '--dport', '--to-destination')) return null;
  const [toAddress = '', toPort] = (get('--to-destination') ?? '').split(':');
  const member = some({
    inInterface: get('-i'),
    protocol,
    port,
    toAddress,
    toPort: toPort === undefined ? undefined : Number(toPort),
  });
  return { type: 'PortForward', portForward: member as Member<'PortForward', 'portForward'> };
}

function forward({ get, has, networks, protocol, ports, device, target }: Rule): Unnamed | null {
  const [from, out] = [get('-i'), get('-o')];
  const accepts = target === 'ACCEPT';
  if (!accepts && from === device && out === device && has('-i', '-o', '--reject-with'))
    return { type: 'PeerIsolation' };
  if (!has('-i', '-o', '-s', '-d', '-p', '--dport', '--dports', '--ctstate', '--reject-with')) return null;
  // Answers come with what they answer.
  if (get('--ctstate')?.includes('ESTABLISHED') === true)
    return { type: 'Forward', forward: some({ inInterface: out, outInterface: from }) };
  const inInterface = from === device ? undefined : from;
  const ends = { inInterface, outInterface: out, sources: networks('-s'), destinations: networks('-d') };
  return { type: 'Forward', forward: some({ ...ends, protocol, ports, action: accepts ? undefined : 'Drop' }) };
}

function ofIptables(texts: readonly string[], device: string): Unnamed | null {
  const options = optionsOf(texts);
  if (options === null) return null;
  const get = (key: string): string | undefined => options.get(key);
  const protocol = get('-p')?.toUpperCase();
  const ports = (get('--dport') ?? get('--dports'))?.split(',').map(Number);
  if (ports?.some(Number.isNaN) === true || (protocol !== undefined && protocol !== 'TCP' && protocol !== 'UDP'))
    return null;
  const target = get('-j') ?? '';
  const place = [get('-t') ?? 'filter', get('-A') ?? get('-I') ?? '', target].join(' ');
  const [, make] = FORMS.find(([pattern]) => pattern.test(place)) ?? [];
  return (
    make?.({
      ...{ device, target, get, protocol, ports },
      has: (...allowed) => [...options.keys()].every((key) => allowed.includes(key) || /^-[tAIj]$/.test(key)),
      networks: (option) => {
        const text = get(option);
        // Of everything an intent says nothing.
        if (text === undefined || isAnywhere(text)) return undefined;
        return text.split(',').map((part) => parseNetwork(part) ?? part);
      },
    }) ?? null
  );
}

function ofSysctl(texts: readonly string[]): Unnamed | null {
  const settings = texts.filter((text) => text.includes('='));
  const families = settings.map((text) =>
    text === 'net.ipv4.ip_forward=1' ? 'IPv4' : text === 'net.ipv6.conf.all.forwarding=1' ? 'IPv6' : null,
  );
  const known = families.filter((family) => family !== null);
  return known.length === 0 || known.length < families.length
    ? null
    : { type: 'IPForwarding', ipForwarding: { families: known } };
}

function ofRule(texts: readonly string[]): Unnamed | null {
  const words = texts.filter((text) => !/^-[46]$/.test(text));
  if (!/^ru(?:le)?$/.test(words[0] ?? '') || words[1] !== 'add') return null;
  const values = new Map<string, string>();
  for (let at = 2; at < words.length; at += 2) values.set(words[at] ?? '', words[at + 1] ?? '');
  const table = Number(values.get('table') ?? values.get('lookup'));
  const known = /^(?:from|to|iif|fwmark|table|lookup|priority|pref|prio)$/;
  if (![...values.keys()].every((key) => known.test(key)) || !Number.isInteger(table) || table === 254) return null;
  const [priority, mark] = [values.get('priority') ?? values.get('pref') ?? values.get('prio'), values.get('fwmark')];
  const list = (key: string): string[] | undefined => {
    const text = values.get(key);
    return text === undefined || text === 'all' ? undefined : [parseNetwork(text) ?? text];
  };
  const member = some({
    ...{ sources: list('from'), destinations: list('to'), inInterface: values.get('iif') },
    ...{
      fwMark: mark === undefined ? undefined : Number(mark),
      table,
      priority: priority === undefined ? undefined : Number(priority),
    },
    // Routes of the table are lines of their own.
    defaultRoute: false,
  });
  return { type: 'PolicyRoute', policyRoute: member as Extract<Unnamed, { type: 'PolicyRoute' }>['policyRoute'] };
}

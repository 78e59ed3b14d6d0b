import { createHash } from 'node:crypto';
import { isIpv6, networkOf } from '../address.ts';
import type { InterfaceConfig } from '../wgquick/config.ts';
import type { Intent, IntentOf, IntentType, Protocol } from './intent.ts';

/** The chains of the table, in the order in which they are written: a name, and where it hooks in. */
const CHAINS = {
  dstnat: 'type nat hook prerouting priority dstnat; policy accept;',
  srcnat: 'type nat hook postrouting priority srcnat; policy accept;',
  mangle: 'type filter hook forward priority mangle; policy accept;',
  forward: 'type filter hook forward priority filter; policy accept;',
  input: 'type filter hook input priority filter; policy accept;',
  output: 'type filter hook output priority filter; policy accept;',
} as const;
type ChainName = keyof typeof CHAINS;

/** A rule without its comment. */
interface Rule {
  readonly chain: ChainName;
  readonly text: string;
}

/** What a rule is made for. */
interface Device extends Pick<InterfaceConfig, 'addresses' | 'fwMark' | 'listenPort'> {
  readonly name: string;
}

/** The nftables table of an interface. */
export interface Table {
  /** `wgnode_wg0`, of the family inet. */
  readonly name: string;
  /** For `nft -f`, which replaces the table as a whole, or leaves it as it is. */
  readonly text: string;
  /** The name of an empty chain of it, by which one sees that it has this content. */
  readonly mark: string;
  /** How many rules each intent has, by its name. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Every name of an interface is a name to nft(8), as long as it does not stand alone. */
export const tableNameOf = (device: string): string => `wgnode_${device}`;

/** Null = no intent needs a table. Pure; needs intents that passed every check. */
export function compile(config: InterfaceConfig, device: string): Table | null {
  const target: Device = { ...config, name: device };
  const rules = config.firewall.flatMap((intent) =>
    rulesOf(intent, target).map((rule) => ({ ...rule, name: intent.name })),
  );
  if (rules.length === 0) return null;
  const chains = (Object.keys(CHAINS) as ChainName[]).flatMap((chain) => {
    const own = rules.filter((rule) => rule.chain === chain);
    if (own.length === 0) return [];
    const lines = own.map(({ text, name }) => `    ${text} comment "${name}"`);
    return [`  chain ${chain} {`, `    ${CHAINS[chain]}`, ...lines, '  }'];
  });
  const name = tableNameOf(device);
  const mark = `content_${createHash('sha256').update(chains.join('\n')).digest('hex').slice(0, 16)}`;
  const text = [
    `# Made by wgnode-agent of the firewall intents in ${device}.conf, and made anew whenever they change.`,
    // Added and deleted first, so that it is new in one transaction.
    `table inet ${name}`,
    `delete table inet ${name}`,
    `table inet ${name} {`,
    `  chain ${mark} {`,
    '  }',
    ...chains,
    '}',
    '',
  ].join('\n');
  const counts = new Map<string, number>();
  for (const rule of rules) counts.set(rule.name, (counts.get(rule.name) ?? 0) + 1);
  return { name, text, mark, counts };
}

const quoted = (device: string): string => `"${device}"`;
const setOf = (items: readonly (string | number)[]): string =>
  items.length === 1 ? String(items[0]) : `{ ${items.join(', ')} }`;

/** A match of networks, one for each family that there is; one empty match where there are none. */
function byFamily(word: 'saddr' | 'daddr', networks: readonly string[] = []): string[] {
  if (networks.length === 0) return [''];
  return [networks.filter((network) => !isIpv6(network)), networks.filter(isIpv6)].flatMap((own, at) =>
    own.length === 0 ? [] : `${at === 0 ? 'ip' : 'ip6'} ${word} ${setOf(own)}`,
  );
}

const isOfFamily = (left: string, right: string): boolean =>
  left === '' || right === '' || left.split(' ')[0] === right.split(' ')[0];

const portsOf = (protocol: Protocol | undefined, ports: readonly number[] = [], side = 'dport'): string => {
  if (protocol === undefined) return '';
  const word = protocol.toLowerCase();
  return ports.length === 0 ? `meta l4proto ${word}` : `${word} ${side} ${setOf(ports)}`;
};

const words = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');

type Makers = { readonly [T in IntentType]: (intent: IntentOf<T>, device: Device) => Rule[] };

const rulesOf = (intent: Intent, device: Device): Rule[] =>
  (MAKERS[intent.type] as (intent: Intent, device: Device) => Rule[])(intent, device);

const MAKERS: Makers = {
  Masquerade: ({ masquerade = {} }, device) => hidden(masquerade, device, () => 'masquerade'),
  SNAT: ({ snat }, device) => {
    const word = isIpv6(snat.toAddress) ? 'ip6' : 'ip';
    return hidden(snat, device, (source) =>
      source === '' || source.startsWith(`${word} `) ? `snat ${word} to ${snat.toAddress}` : null,
    ).map((rule) => ({
      ...rule,
      text: rule.text.startsWith('iifname')
        ? `meta nfproto ${word === 'ip' ? 'ipv4' : 'ipv6'} ${rule.text}`
        : rule.text,
    }));
  },
  Forward: ({ forward = {} }, device) => {
    const { inInterface, outInterface, sources, destinations, protocol, ports, action = 'Accept' } = forward;
    const from = inInterface ?? (outInterface === undefined || outInterface !== device.name ? device.name : undefined);
    const [into, out] = [
      from === undefined ? '' : `iifname ${quoted(from)}`,
      outInterface === undefined ? '' : `oifname ${quoted(outInterface)}`,
    ];
    return byFamily('saddr', sources).flatMap((source) =>
      byFamily('daddr', destinations)
        .filter((destination) => isOfFamily(source, destination))
        .flatMap((destination): Rule[] => {
          const text = words(into, out, source, destination, portsOf(protocol, ports), action.toLowerCase());
          if (action === 'Drop') return [{ chain: 'forward', text }];
          const back = words(
            ...[into.replace('iifname', 'oifname'), out.replace('oifname', 'iifname')],
            ...[source.replace('saddr', 'daddr'), destination.replace('daddr', 'saddr')],
            ...[portsOf(protocol, ports, 'sport'), 'ct state established,related accept'],
          );
          return [
            { chain: 'forward', text },
            { chain: 'forward', text: back },
          ];
        }),
    );
  },
  PortForward: ({ portForward }, device) => {
    const { inInterface, protocol, port, toAddress, toPort = port, masquerade = false } = portForward;
    const isV6 = isIpv6(toAddress);
    const [ip, target] = isV6 ? ['ip6', `[${toAddress}]`] : ['ip', toAddress];
    const proto = protocol.toLowerCase();
    const there = `ct status dnat ${ip} daddr ${toAddress} ${proto} dport ${String(toPort)}`;
    return [
      {
        chain: 'dstnat',
        text: `iifname ${quoted(inInterface)} meta nfproto ${isV6 ? 'ipv6' : 'ipv4'} ${proto} dport ${String(port)} dnat ${ip} to ${target}:${String(toPort)}`,
      },
      { chain: 'forward', text: `iifname ${quoted(inInterface)} ${there} accept` },
      {
        chain: 'forward',
        text: `oifname ${quoted(inInterface)} ct status dnat ${ip} saddr ${toAddress} ${proto} sport ${String(toPort)} accept`,
      },
      ...(masquerade ? [{ chain: 'srcnat' as const, text: `oifname ${quoted(device.name)} ${there} masquerade` }] : []),
    ];
  },
  MSSClamp: ({ mssClamp = {} }, { name }) => {
    const size = mssClamp.mss === undefined ? 'rt mtu' : String(mssClamp.mss);
    return ['iifname', 'oifname'].map((word) => ({
      chain: 'mangle',
      text: `${word} ${quoted(name)} tcp flags & (syn | rst) == syn tcp option maxseg size set ${size}`,
    }));
  },
  OpenPort: ({ openPort: { inInterface, protocol, ports, sources } }) =>
    byFamily('saddr', sources).map((source) => ({
      chain: 'input',
      text: words(
        inInterface === undefined ? '' : `iifname ${quoted(inInterface)}`,
        source,
        portsOf(protocol, ports),
        'accept',
      ),
    })),
  KillSwitch: ({ killSwitch = {} }, { name, fwMark, listenPort }) =>
    [
      `oifname { "lo", ${quoted(name)} } accept`,
      ...(fwMark === null ? [] : [`meta mark ${String(fwMark)} accept`]),
      ...(fwMark === null && listenPort !== null ? [`udp sport ${String(listenPort)} accept`] : []),
      // Whoever reached this host is answered: its operator above all.
      'ct direction reply ct state established,related accept',
      'udp sport 68 udp dport 67 accept',
      'udp sport 546 udp dport 547 accept',
      'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
      ...byFamily('daddr', killSwitch.allowedNetworks).flatMap((own) => (own === '' ? [] : `${own} accept`)),
      'reject with icmpx admin-prohibited',
    ].map((text) => ({ chain: 'output', text })),
  PeerIsolation: ({ peerIsolation = {} }, { name }) => {
    const both = `iifname ${quoted(name)} oifname ${quoted(name)}`;
    const open = (['daddr', 'saddr'] as const)
      .flatMap((word) => byFamily(word, peerIsolation.except))
      .filter((own) => own !== '');
    return [...open.map((own) => `${both} ${own} accept`), `${both} drop`].map((text) => ({ chain: 'forward', text }));
  },
  IPForwarding: () => [],
  PolicyRoute: () => [],
};

/** Rules that hide networks, or all that came through the tunnel, behind something. `action`: null = not for packets of that source. */
function hidden(
  { outInterface, sources }: { readonly outInterface?: string; readonly sources?: readonly string[] },
  { name, addresses }: Device,
  action: (source: string) => string | null,
): Rule[] {
  const out = outInterface === undefined ? `oifname != { "lo", ${quoted(name)} }` : `oifname ${quoted(outInterface)}`;
  const networks = sources ?? [...new Set(addresses.map(networkOf))];
  const own = networks.length === 0 ? [] : byFamily('saddr', networks);
  // Kernels before 5.7 do not know in postrouting by which device a packet came: there the networks of the interface have to do.
  const through = sources === undefined ? [`iifname ${quoted(name)}`] : [];
  return [...own, ...through].flatMap((match): Rule[] => {
    const what = action(match.startsWith('iifname') ? '' : match);
    return what === null ? [] : [{ chain: 'srcnat', text: words(match, out, what) }];
  });
}

import { publicKeyOf } from '../../../agent/protocol/key.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import type { InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import type { Intent } from '../../../agent/protocol/firewall/intent.ts';
import { render } from '../../../agent/protocol/wgquick/render.ts';
import { interfaceOf, parseDocument } from '../../../agent/protocol/wgquick/document.ts';
import { newPrivateKey } from '../canary.ts';
import { INTERFACE } from '../fleet.ts';

const newPublicKey = (): string => publicKeyOf(new Secret(newPrivateKey()));

const KEY = newPrivateKey();
const PRESHARED_KEY = newPrivateKey();
const [LAPTOP, SITE, UPLINK] = [newPublicKey(), newPublicKey(), newPublicKey()];

/** The lines that set up and take back one thing, an iptables rule. */
interface HookPair {
  readonly up: string;
  readonly down: string;
}
const pairOf = (rule: string): HookPair => ({ up: `iptables -w ${rule}`, down: `iptables -w ${toDeletion(rule)}` });
const toDeletion = (rule: string): string => rule.replace('-A ', '-D ');

const ACCEPT = pairOf('-A FORWARD -i %i -j ACCEPT');
const MASQUERADE = pairOf('-t nat -A POSTROUTING -s 10.7.0.0/24 -j MASQUERADE');
const OTHER_MASQUERADE = pairOf('-t nat -A POSTROUTING -s 10.7.0.0/24 -o eth0 -j MASQUERADE');
const RETURN = pairOf('-A FORWARD -o %i -j ACCEPT');

const lines = (key: string, values: readonly string[]): string => values.map((value) => `${key} = ${value}\n`).join('');

/** `allowedIps`: those of the last peer. */
const textOf = (allowedIps: string): string => `# this host is kept by hand, too
[Interface]
PrivateKey = ${KEY}
Address = 10.7.0.1/24, fd07::1/64
ListenPort = 51820
DNS = 10.7.0.53, corp.example
MTU = 1400
${lines('PostUp', [ACCEPT.up, MASQUERADE.up])}${lines('PostDown', [ACCEPT.down, MASQUERADE.down])}
[peer]
# it has no endpoint
publickey = ${LAPTOP}
PresharedKey = ${PRESHARED_KEY}
AllowedIPs = 10.7.0.2/32, fd07::2/128

[Peer]
PublicKey = ${SITE}
AllowedIPs = 10.20.0.0/16, fd20::/64
Endpoint = 198.51.100.7:51820
PersistentKeepalive = 25

[Peer]
PublicKey = ${UPLINK}
AllowedIPs = ${allowedIps}
Endpoint = 198.51.100.8:51820
`;

/** A wg-quick file with three peers, two hooks and their pairs, name servers and addresses of both families. */
export const PLAIN = textOf('10.30.0.0/16');
/** The same, and all traffic goes through its last peer: a table, rules and rows of the firewall of its own. */
export const DEFAULT_ROUTE = textOf('0.0.0.0/0, ::/0');

/** The interface part of a file, with what a change makes of it. */
export const configOf = (text: string, change: Partial<InterfaceConfig> = {}): InterfaceConfig => ({
  ...interfaceOf(parseDocument(text)),
  ...change,
});

/** One line of the hooks replaced, one added, each with its pair. */
export const OTHER_HOOKS = {
  postUp: [ACCEPT.up, OTHER_MASQUERADE.up, RETURN.up],
  postDown: [ACCEPT.down, OTHER_MASQUERADE.down, RETURN.down],
};

/** A table, a rule and a setting. */
export const INTENTS: readonly Intent[] = [
  { name: 'nat', type: 'Masquerade', masquerade: { outInterface: 'eth7' } },
  { name: 'lan', type: 'PolicyRoute', policyRoute: { sources: ['192.168.9.0/24'], table: 77, priority: 7700 } },
];
export const OTHER_INTENTS: readonly Intent[] = [
  { name: 'apart', type: 'PeerIsolation' },
  { name: 'lan', type: 'PolicyRoute', policyRoute: { sources: ['192.168.8.0/24'], table: 78, priority: 7800 } },
];
/** The file as it is with intents, but for the one beside it. */
export const WITH_INTENTS = render(parseDocument(PLAIN), configOf(PLAIN, { firewall: INTENTS }));

/** wg(8): a peer that only the kernel knows. */
export const RUNTIME_PEER = [
  ...['wg', 'set', INTERFACE],
  ...['peer', newPublicKey(), 'allowed-ips', '10.7.0.99/32', 'endpoint', '198.51.100.9:7777'],
];

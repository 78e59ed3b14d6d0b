import { canonicalIp, parseCidr } from '../address.ts';
import { isKey } from '../key.ts';

/** One key of a [Peer] section, all of them of wg(8). Peers are kept as text; this says only which of it wg would refuse. */
interface PeerField {
  readonly key: string;
  readonly isValid: (text: string) => boolean;
  /** What the value must be, for people. */
  readonly rule: string;
  /** Its text never leaves the host. */
  readonly secret?: true;
}

/** A host, in brackets or not, up to the last colon, and a port or the name of a service. Zones are taken. */
const ENDPOINT = /^(?:\[[^\]\s]+\]|([^[\]\s]+)):([0-9]{1,5}|[a-zA-Z][-a-zA-Z0-9]*)$/;

/** wg takes a port above 65535 and uses another one: that is told, too. A host with colons and without brackets is an IPv6 address. */
function isEndpoint(text: string): boolean {
  const [whole, host = '', port = ''] = ENDPOINT.exec(text) ?? [];
  if (whole === undefined || (host.includes(':') && canonicalIp(host) === undefined)) return false;
  return !/^[0-9]+$/.test(port) || Number(port) <= 65_535;
}

// A leading + or - adds or takes away one network (wireguard-tools 1.0.20250521).
// wg reads the length with strtoul(3), so zeros before it say nothing.
const isAllowedIp = (text: string): boolean =>
  parseCidr(text.replace(/^[+-]/, '').replace(/\/0+(?=[0-9])/, '/')) !== undefined;

const PEER_FIELDS: readonly PeerField[] = [
  { key: 'PublicKey', isValid: isKey, rule: 'must be a key of 44 characters of base64' },
  { key: 'PresharedKey', isValid: isKey, rule: 'must be a key of 44 characters of base64', secret: true },
  {
    key: 'AllowedIPs',
    isValid: (text) => text.split(',').every(isAllowedIp),
    rule: 'must hold networks separated by commas',
  },
  {
    key: 'Endpoint',
    isValid: isEndpoint,
    rule: 'must be host:port, an IPv6 address in brackets',
  },
  {
    key: 'PersistentKeepalive',
    isValid: (text) => /^off$/i.test(text) || (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535),
    rule: 'must be from 0 to 65535, or off',
  },
];

const BY_KEY: ReadonlyMap<string, PeerField> = new Map(PEER_FIELDS.map((field) => [field.key.toLowerCase(), field]));

/** The field that a compacted, lower-case key names, or undefined. */
export const peerFieldOf = (key: string): PeerField | undefined => BY_KEY.get(key);

/** As wg(8) spells them. */
export const PEER_KEYS = PEER_FIELDS.map(({ key }) => key);

import { parseCidr } from '../address.ts';
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

/** With an address of IPv6 in brackets; a zone and a name of a service in place of the port are taken. */
const ENDPOINT = /^(\[[^\]\s]+\]|[^[\]\s]+):([0-9]{1,5}|[a-zA-Z][-a-zA-Z0-9]*)$/;

const isPortOrName = (text: string): boolean => !/^[0-9]+$/.test(text) || Number(text) <= 65_535;

// A leading + or - adds or takes away one network (wireguard-tools 1.0.20250521).
const isAllowedIp = (text: string): boolean => parseCidr(text.replace(/^[+-]/, '')) !== undefined;

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
    isValid: (text) => isPortOrName(ENDPOINT.exec(text)?.[2] ?? '65536'),
    rule: 'must be host:port, an IPv6 address in brackets',
  },
  {
    key: 'PersistentKeepalive',
    isValid: (text) => /^off$/i.test(text) || (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535),
    rule: 'must be from 0 to 65535, or off',
  },
];

/** The field that a compacted, lower-case key names, or undefined. */
export const peerFieldOf = (key: string): PeerField | undefined =>
  PEER_FIELDS.find((field) => field.key.toLowerCase() === key);

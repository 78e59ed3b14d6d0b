/** The old agent's reading and writing of wg-quick files, with its faults (agent-contract, GET and PUT config). Pure. */

/** The fields of its GET config; of repeated keys the last one is there. */
export interface ParsedFields {
  private_key: string | null;
  listen_port: number | null;
  address: string | null;
  post_up: string | null;
  pre_down: string | null;
  mtu: number | null;
  dns: string | null;
  table: string | null;
  raw_config: string;
}

/** The body of its PUT config. */
export interface InterfaceBody {
  readonly private_key: string;
  readonly listen_port: number | null;
  readonly address: string | null;
  readonly post_up: string | null;
  readonly pre_down: string | null;
  readonly mtu: number | null;
  readonly dns: string | null;
  readonly table: string | null;
}

/** As an exception of Python: its text is what a 500 says. */
export class PythonError extends Error {}

/** Text as `open(path)` gives it: UTF-8 or an error, and every line end is a line feed. */
export function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r\n?/g, '\n');
  } catch {
    const at = bytes.findIndex((byte) => byte > 0x7f);
    throw new PythonError(
      `'utf-8' codec can't decode byte 0x${(bytes[at] ?? 0).toString(16)} in position ${String(at)}: invalid start byte`,
    );
  }
}

/** Python's int(): a text that is none raises, with the text in the message. */
function toInt(text: string): number {
  if (/^\s*[+-]?[0-9]+(?:_[0-9]+)*\s*$/.test(text)) return Number(text.replaceAll('_', ''));
  throw new PythonError(`invalid literal for int() with base 10: '${text}'`);
}

const TEXT_KEYS = {
  privatekey: 'private_key',
  address: 'address',
  postup: 'post_up',
  predown: 'pre_down',
  dns: 'dns',
  table: 'table',
} as const;
const NUMBER_KEYS = { listenport: 'listen_port', mtu: 'mtu' } as const;

/** Comments stay inside values, `[Interface] # x` is no section, and a port with a comment is an error. */
export function parsedFields(text: string): ParsedFields {
  const fields: ParsedFields = {
    ...{ private_key: null, listen_port: null, address: null, post_up: null, pre_down: null },
    ...{ mtu: null, dns: null, table: null, raw_config: text },
  };
  let section = '';
  for (const line of text
    .trim()
    .split('\n')
    .map((raw) => raw.trim())) {
    if (line.startsWith('[')) section = line.toLowerCase();
    else if (section === '[interface]' && line.includes('=')) {
      const at = line.indexOf('=');
      const [key, value] = [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()];
      if (Object.hasOwn(TEXT_KEYS, key)) fields[TEXT_KEYS[key as keyof typeof TEXT_KEYS]] = value;
      if (Object.hasOwn(NUMBER_KEYS, key)) fields[NUMBER_KEYS[key as keyof typeof NUMBER_KEYS]] = toInt(value);
    }
  }
  return fields;
}

/** The file that a PUT writes. `existing`: the text of the old one, of which the peers are taken; undefined = there was none. */
export function writtenFile(body: InterfaceBody, existing: string | undefined): string {
  const optional = [
    ['ListenPort', body.listen_port],
    ['Address', body.address],
    ['MTU', body.mtu],
    ['DNS', body.dns],
    ['Table', body.table],
    ['PostUp', body.post_up],
    ['PreDown', body.pre_down],
  ] as const;
  const lines = ['[Interface]', `PrivateKey = ${body.private_key}`];
  for (const [key, value] of optional) {
    // Whatever Python takes for false leaves its line out.
    if (value !== null && value !== '' && value !== 0) lines.push(`${key} = ${String(value)}`);
  }
  const peers = existing === undefined ? [] : peerSections(existing);
  if (peers.length > 0) lines.push('', ...peers);
  return `${lines.join('\n')}\n`;
}

/** From a line that begins with exactly `[Peer]` to the next that begins with `[`; comments above the first one are nobody's. */
function peerSections(text: string): string[] {
  const sections: string[] = [];
  let current: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim().startsWith('[')) {
      if (current.length > 0) sections.push(current.join('\n'));
      current = line.trim().startsWith('[Peer]') ? [line] : [];
    } else if (current.length > 0) current.push(line);
  }
  if (current.length > 0) sections.push(current.join('\n'));
  return sections;
}

/** The peers of an output of `wg show NAME dump`; one without networks has `(none)`. */
export function peersOf(dump: string): object[] {
  const rows = dump.trim().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [key, psk, endpoint, ips = '', handshake, rx, tx, keepalive] = row.split('\t');
    if (keepalive === undefined) return [];
    return [
      {
        public_key: key,
        preshared_key: psk === '(none)' ? null : psk,
        endpoint: endpoint === '(none)' ? null : endpoint,
        allowed_ips: ips === '' ? [] : ips.split(','),
        latest_handshake: handshake === '0' ? null : Number(handshake),
        transfer_rx: Number(rx),
        transfer_tx: Number(tx),
        persistent_keepalive: keepalive === 'off' ? 0 : Number(keepalive),
      },
    ];
  });
}

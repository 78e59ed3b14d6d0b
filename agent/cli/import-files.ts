import { isIP, isIPv6 } from 'node:net';
import { basename } from 'node:path';
import { readText } from '../host/config-files.ts';
import { INTERFACE_NAME_RULE, isInterfaceName } from '../protocol/interface-name.ts';
import { markKeys, redactKeys } from '../protocol/redact.ts';
import { type InterfaceConfig, mapHooks } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument, savesConfig, strayLine, unmanagedLines } from '../protocol/wgquick/document.ts';
import { HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { isUrlHost } from './certificate-names.ts';
import { CommandError } from './command-error.ts';
import { documentsOf, type Naming, hostName, type Source, yamlOf } from './resource-documents.ts';

/** What `enroll` and `import` take; null = as the host says. */
export interface EnrollOptions {
  readonly interfaces: readonly string[] | null;
  readonly namespace: string;
  readonly mode: 'Observe' | 'Enforce';
  /** DNS name or address by which controllers reach the agent. */
  readonly address: string | null;
  /** Of the host, in the names of objects. */
  readonly name: string | null;
}

/** The objects of wg-quick files, as YAML; they need not be of this host: nothing is known of what runs. */
export async function importFiles(files: readonly string[], options: EnrollOptions): Promise<string> {
  const { address, name, namespace, mode } = options;
  if (address !== null) checkPlace(address);
  if (address === null)
    throw new CommandError('import needs --address DNS-NAME|IP[:PORT]: where the agent of that host is reached');
  const plain = address.replace(/^\[|\](:[0-9]+)?$|(?<=^[^:]*):[0-9]+$/g, '');
  const host = hostName(name ?? (isIP(plain) === 0 ? plain.replace(/\..*$/, '') : plain));
  const naming: Naming = { namespace, host, mode, url: `https://${withPort(address, 8443)}` };
  const sources = await Promise.all(
    files.map(async (path): Promise<Source> => {
      const own = basename(path).replace(/\.conf$/, '');
      if (!path.endsWith('.conf') || !isInterfaceName(own))
        throw new CommandError(
          `${path}: the name of the file is that of the interface, and '${own}' ${INTERFACE_NAME_RULE}; copy it to such a name, as wg0.conf`,
        );
      const text = await readText(path);
      if (text === null) throw new CommandError(`Cannot read ${path}: there is no such file`);
      const document = parseDocument(text);
      const file = interfaceOf(document);
      const marked = withMarkedKeys(file);
      if (HOOK_NAMES.some((list) => file[list].join() !== marked[list].join()))
        throw new CommandError(
          `${path}: a hook has a key in it, which an object must not; put it into a file that the hook reads`,
        );
      return { name: own, file, state: 'up', observed: null, drift: [], remarks: remarksOf(text) };
    }),
  );
  return yamlOf(documentsOf(naming, sources));
}

/** A key in a hook is none for everybody who may read objects: the agent tells of it by a mark, and takes it back by that. */
export const withMarkedKeys = (file: InterfaceConfig): InterfaceConfig => mapHooks(file, (hook) => markKeys(hook));

/** Why a file has no [Interface] that wg-quick(8) would find, in a sentence. */
function notQuick(text: string): string {
  const why = text.includes('\0')
    ? 'it looks like UTF-16 or no text at all: save it as UTF-8'
    : /^(\u00ef\u00bb\u00bf|\ufeff)/.test(text)
      ? 'it begins with a byte order mark: save it as UTF-8 without one'
      : text.includes('\r') && !text.includes('\n')
        ? 'its lines end in CR alone: make them LF'
        : 'it is no file of wg-quick(8)';
  return `the file has no [Interface] line, and nothing of it is asked for: ${why}`;
}

/** What people must know of a file beside what an object says of it. */
export function remarksOf(text: string): string[] {
  const document = parseDocument(text);
  if (!document.some(({ section }) => section === 'interface')) return [notQuick(text)];
  const stray = strayLine(document);
  const own = unmanagedLines(document).filter((line) => !/^saveconfig\s*=/i.test(line));
  const keys = own.map((line) => redactKeys(line.split('=')[0]?.trim() ?? '').slice(0, MAX_KEY));
  const named = [...new Set(keys.filter((key) => key !== ''))];
  return [
    ...(savesConfig(document)
      ? ['SaveConfig = true: `wg-quick down` writes what runs over the file, comments are lost then; take the line out']
      : []),
    ...(named.length === 0
      ? []
      : [`lines that an object cannot ask for, and that stay as they are: ${named.join(', ')}`]),
    ...(stray === null
      ? []
      : [
          `line ${String(stray)} is wg-quick's own, under a header that it does not take: write [Interface] without blanks`,
        ]),
  ];
}

const MAX_KEY = 32;

/** `HOST`, `HOST:PORT`, an address, `[IPv6]:PORT`; no URL. */
export function checkPlace(address: string): void {
  if (isIPv6(address) && isUrlHost(address)) return;
  const [, bracketed, host = '', port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(address) ?? [];
  const isHost = bracketed === undefined ? isUrlHost(host) : isIPv6(bracketed) && isUrlHost(bracketed);
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  if (!isHost || !isPort)
    throw new CommandError(
      `--address ${JSON.stringify(address)} must be a DNS name or an IP address without a zone, with a port from 1 to 65535 if it is not 8443, as fra1.example.net, 10.0.0.7:9443 or [2001:db8::7]:9443`,
    );
}

/** `[IPv6]:PORT` where there is no port yet. */
export function withPort(address: string, port: number): string {
  if (/^[^:]+:[0-9]+$/.test(address) || /^\[.*\]:[0-9]+$/.test(address)) return address;
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return `${host}:${String(port)}`;
}

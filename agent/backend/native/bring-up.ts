import { AgentError, takenAway } from '../../core/agent-error.ts';
import { ANYWHERE, defaultFamilies } from '../../core/default-routing.ts';
import type { Peer } from '../../core/device.ts';
import { type QuickValues, quickValues } from '../../core/quick-values.ts';
import type { Dump } from '../../core/parse-dump.ts';
import { startText } from '../../core/start-text.ts';
import { dumpAfter, uapiConfig } from '../../core/uapi-config.ts';
import type { Dialect } from '../../host/dialect.ts';
import { withSecretFile } from '../../host/secret-file.ts';
import { type Cidr, coverage, isIpv6, lengthOf, networkOf, parseInterfaceAddress } from '../../protocol/address.ts';
import { invalidLines } from '../../protocol/wgquick/invalid-lines.ts';
import { type Document, parseDocument, strayLine } from '../../protocol/wgquick/document.ts';
import type { StartConfig, Started, StopConfig, UpHooks } from '../backend.ts';
import { automaticMtu } from './automatic-mtu.ts';
import { makeRouting } from './default-routing.ts';
import { ipBatch } from './ip-batch.ts';
import { makeLink } from './link.ts';
import { indexOf, kindOf } from './kind-of.ts';
import { readAddresses, readDump, readMainRoutes } from './read-device.ts';
import { setResolver } from './resolver.ts';
import { takeDown } from './take-down.ts';
import type { Tools } from './tools.ts';
import { setUapi } from './uapi.ts';

/** As `wg-quick up`, in its order, but for names of endpoints, for which nothing waits. */
export async function bringUp(tools: Tools, start: StartConfig, hooks: UpHooks): Promise<Started | 'taken'> {
  const { runner, name } = tools;
  if (kindOf(name) !== 'absent') return 'taken';
  // wg-quick reads the whole file before it does anything: such a one would not come up at boot.
  const save = invalidLines(start.document).find(({ key }) => key === 'SaveConfig');
  if (save !== undefined) throw failed(`Line ${String(save.line)} of the file: SaveConfig ${save.message}`);
  const stray = strayLine(start.document);
  if (stray !== null)
    throw failed(
      `Line ${String(stray)} of the file is none that wg knows, and wg-quick takes only [Interface] without spaces for its section`,
    );
  const dialect = await tools.dialect();
  if (!dialect.preUpAfterLink) await hooks.preUp();
  if ((await makeLink(runner, name)) === 'taken') return 'taken';
  let index: number | null = null;
  try {
    // A wg-quick that looked before us, and cannot make its own device now, takes ours away as it fails.
    await tools.awaitQuick();
    if (kindOf(name) === 'absent' && (await makeLink(runner, name)) === 'taken') return 'taken';
    index = indexOf(name);
    if (dialect.preUpAfterLink) await hooks.preUp();
    const { text, names } = startText(start.document, start.previous);
    const dump = await load(tools, text, { load: dialect.load, document: start.document });
    await setUp(tools, quickValues(start.document), { dialect, dump, resolverFailed: start.resolverFailed });
    await hooks.postUp();
    if (indexOf(name) !== index) throw takenAway(name);
    return { names };
  } catch (error) {
    const resolverFailed = (failure: unknown): never => {
      throw failure;
    };
    const stop = { document: start.document, marks: [], asksMark: true, index, resolverFailed };
    throw await takenDown(tools, stop, error);
  }
}

/** The failure to tell of once everything is taken away again: the first one, and what of that failed, too. */
async function takenDown(tools: Tools, stop: StopConfig, failure: unknown): Promise<unknown> {
  try {
    await takeDown(tools, stop);
    return failure;
  } catch (left) {
    if (!(failure instanceof AgentError && left instanceof AgentError)) return failure;
    const text = `${failure.message}; not everything of it could be taken back: ${left.message}`;
    return new AgentError(failure.code, text, { cause: failure });
  }
}

interface LoadOptions {
  readonly load: Dialect['load'];
  /** To name the line that wg does not take. */
  readonly document: Document;
}

/** wg reads a file of thousands of peers for seconds, and says nothing meanwhile. */
const LOAD_LIMIT_MS = 60_000;

/**
 * By wireguard-go's own socket where every line is surely taken as wg takes it; else by wg, which says what is wrong. What the device
 * then has, where that is known without a question.
 */
async function load({ runner, name }: Tools, text: string, { load, document }: LoadOptions): Promise<Dump | null> {
  const lines = load === 'setconf' && kindOf(name) === 'userspace' ? uapiConfig(parseDocument(text)) : null;
  if (lines !== null) {
    await setUapi(name, lines);
    return dumpAfter(lines);
  }
  const { exitCode, stderr } = await withSecretFile(text, (fd) =>
    runner.run('wg', [load, name, '/dev/fd/3'], { fds: [fd], timeoutMs: LOAD_LIMIT_MS }),
  );
  if (exitCode === 0) return null;
  if (stderr.includes('Address already in use')) throw failed('The listen port is in use on this host');
  const [line] = invalidLines(document);
  if (line !== undefined)
    throw failed(`wg does not take line ${String(line.line)} of the file: ${line.key} ${line.message}`);
  const isParsing = /Line unrecognized|Configuration parsing error|Key is not|Unable to parse/.test(stderr);
  throw failed(isParsing ? 'wg does not know a line of the file' : `wg ${load} failed`);
}

const failed = (text: string): AgentError => new AgentError('command_failed', text);

interface Loaded {
  readonly dialect: Dialect;
  /** What the device has; null = it is asked. */
  readonly dump: Dump | null;
  readonly resolverFailed: StartConfig['resolverFailed'];
}

/** Addresses, MTU, routes and resolver of a device that has its peers. */
async function setUp(tools: Tools, quick: QuickValues, loaded: Loaded): Promise<void> {
  const { runner, name } = tools;
  const { dialect, dump, resolverFailed } = loaded;
  const kind = kindOf(name);
  if (kind === 'absent') throw failed(`The interface ${name} went while it was set up`);
  const { peers, fwMark } = dump ?? (await readDump(runner, name, kind));
  const paths = { endpoints: endpointsOf(peers), mark: fwMark, of: dialect.mtuOf };
  const mtu = quick.mtu === '' ? String(await automaticMtu(tools, paths)) : quick.mtu;
  const table = word(quick.table, 'Table');
  const lines = [
    ...quick.addresses.map((address) => `address add ${word(address, 'Address')} dev ${name}`),
    `link set mtu ${word(mtu, 'MTU')} up dev ${name}`,
  ];
  const connected = connectedNetworks(quick.addresses, { kind, mtu: Number(mtu) });
  const routes = (covered: readonly Cidr[]): string[] => routeLines(name, { table, peers, covered });
  if (connected === null) {
    await ipBatch(runner, lines);
    // A default route that an IPv6 address of /0 makes is none of wg-quick's, and is not read as one of ours.
    const everywhere = quick.addresses.some((address) => /:.*\/0$/.test(address)) ? [ANYWHERE['-6']] : [];
    await ipBatch(runner, routes([...readMainRoutes(name).map(({ destination }) => destination), ...everywhere]));
  } else {
    await ipBatch(runner, [...lines, ...routes(connected)]);
  }
  if (quick.dns.length > 0) await setResolver(runner, name, quick).catch(resolverFailed);
  if (table !== 'auto') return;
  const families = defaultFamilies(peers);
  if (families.length === 0) return;
  const addresses = await readAddresses(runner, name, true);
  await makeRouting(runner, name, { families, mark: fwMark, addresses, places: [] });
}

interface Routes {
  /** As in the file. */
  readonly table: string;
  readonly peers: readonly Peer[];
  /** Networks that the addresses of the device bring a route to. */
  readonly covered: readonly Cidr[];
}

/** The most specific first, as wg-quick adds them; a default route with `Table = auto` has rules of its own. */
function routeLines(name: string, { table, peers, covered }: Routes): string[] {
  if (table === 'off') return [];
  const networks = [...new Set(peers.flatMap(({ allowedIps }) => allowedIps))].sort(
    (left, right) => lengthOf(right) - lengthOf(left),
  );
  if (table !== 'auto') return networks.map((network) => `route add ${network} dev ${name} table ${table}`);
  const isCovered = coverage(covered);
  return networks
    .filter((network) => lengthOf(network) > 0 && !isCovered(network))
    .map((network) => `route add ${network} dev ${name}`);
}

const LINK_LOCAL = 'fe80::/64' as Cidr;

/** Below this MTU there is no IPv6 on a device, and none of its routes. */
const LEAST_MTU6 = 1280;

interface LinkFacts {
  readonly kind: 'kernel' | 'userspace';
  readonly mtu: number;
}

/** Addresses for which the kernel makes the route to their network: what people give to a tunnel. */
const isPlain = (address: Cidr): boolean =>
  lengthOf(address) > 0 &&
  (isIpv6(address) ? !/^ff|^::/i.test(address) : !/^(0|127|22[4-9]|2[3-5][0-9])\./.test(address));

/**
 * The routes that the kernel makes for the addresses of a device: to their networks, but for a single IPv4 address. Null = they have to
 * be read, as it makes others of them, or ip(8) reads them in a way of its own.
 */
function connectedNetworks(texts: readonly string[], { kind, mtu }: LinkFacts): Cidr[] | null {
  const addresses = texts.map(parseInterfaceAddress);
  if (!addresses.every((address) => address !== undefined && isPlain(address))) return null;
  const networks = addresses
    .flatMap((address) => address ?? [])
    .map(networkOf)
    .filter((network) => isIpv6(network) || !network.endsWith('/32'));
  if (mtu < LEAST_MTU6) return networks.filter((network) => !isIpv6(network));
  // A device of wireguard-go gives itself a link-local address.
  return kind === 'userspace' ? [...networks, LINK_LOCAL] : networks;
}

const endpointsOf = (peers: readonly Peer[]): string[] => peers.flatMap(({ endpoint }) => endpoint ?? []);

/** A word of the file as it goes into a line of ip(8), which knows quotes and escapes: none of them is in any value. */
function word(text: string, key: string): string {
  if (/^[a-zA-Z0-9_.:/%@+-]+$/.test(text)) return text;
  throw failed(`${key} in the file is no value that ip(8) knows`);
}

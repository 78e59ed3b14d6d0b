import { isKey, isPrivateKey } from '../../../agent/protocol/key.ts';
import { hooksOf, type Line, parseUnshared } from '../../../agent/protocol/wgquick/document.ts';
import type { CommandEnd, OldHost } from './old-host.ts';

interface Peer {
  psk: string;
  endpoint: string;
  ips: string[];
  keepalive: number;
}

/** What the kernel has of one interface. */
interface Device {
  privateKey: string;
  listenPort: number;
  fwMark: string;
  addresses: readonly string[];
  peers: Map<string, Peer>;
}

/**
 * A host in memory, as wg and wg-quick 1.0.20210914 leave it: files, devices with their peers, and the hooks that ran. A hook fails when it
 * is, or holds, the word `false`; a port that another program has, and a name that does not resolve, make `up` fail.
 */
export class MemoryOldHost implements OldHost {
  readonly files = new Map<string, string | Buffer>();
  readonly devices = new Map<string, Device>();
  /** Hooks and commands, in order. */
  readonly ran: string[] = [];
  readonly takenPorts = new Set<number>();
  /** What goes before every stderr; bytes that are no UTF-8 make the agent stumble. */
  stderrPrefix = Buffer.alloc(0);

  file(name: string): string | undefined {
    return this.files.get(`/etc/wireguard/${name}.conf`)?.toString();
  }

  setFile(name: string, text: string | Buffer): void {
    this.files.set(`/etc/wireguard/${name}.conf`, text);
  }

  /** Somebody adds a peer with `wg set`: the file does not know it. */
  addPeer(name: string, key: string, over: Partial<Peer> = {}): void {
    this.devices.get(name)?.peers.set(key, { psk: '(none)', endpoint: '(none)', ips: [], keepalive: 0, ...over });
  }

  readFile(path: string): Promise<Buffer | undefined> {
    const file = this.files.get(path);
    return Promise.resolve(file === undefined ? undefined : Buffer.from(file));
  }

  writeFile(path: string, text: string): Promise<void> {
    this.files.set(path, text);
    return Promise.resolve();
  }

  rename(from: string, to: string): Promise<void> {
    const file = this.files.get(from);
    if (file === undefined) throw new Error(`ENOENT ${from}`);
    this.files.set(to, file);
    this.files.delete(from);
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }

  run(argv: readonly string[]): Promise<CommandEnd> {
    if (argv[1] !== 'show' && argv[1] !== 'showconf') this.ran.push(argv.join(' '));
    try {
      return Promise.resolve(ended(0, this.#command(argv)));
    } catch (error) {
      if (!(error instanceof ToolFailed)) throw error;
      return Promise.resolve(ended(1, '', Buffer.concat([this.stderrPrefix, Buffer.from(error.message)])));
    }
  }

  #command([program, verb, name = '', ...rest]: readonly string[]): string {
    if (program === 'wg-quick') return this.#quick(verb ?? '', name);
    if (verb === 'show' && name === 'interfaces') return [...this.devices.keys()].join(' ');
    // Without the kernel module the words are others than "No such device".
    const device = this.#device(name, 'Unable to access interface: Protocol not supported');
    if (verb === 'show') return rest[0] === 'dump' ? dumpOf(device) : `interface: ${name}`;
    if (verb === 'set') return setPeer(device, rest, this.files);
    if (verb === 'syncconf') return sync(device, this.files.get(rest[0] ?? '')?.toString() ?? '');
    return '';
  }

  #device(name: string, message: string): Device {
    const device = this.devices.get(name);
    if (device === undefined) throw new ToolFailed(message);
    return device;
  }

  #quick(verb: string, name: string): string {
    const text = this.file(name);
    if (text === undefined) throw new ToolFailed(`wg-quick: \`/etc/wireguard/${name}.conf' does not exist`);
    if (verb === 'up') this.#up(name, text);
    else if (verb === 'down') this.#down(name, text);
    else this.#save(name, text);
    return '';
  }

  #up(name: string, text: string): void {
    if (this.devices.has(name)) throw new ToolFailed(`wg-quick: \`${name}' already exists`);
    const config = hooksOf(parseUnshared(text));
    this.#hooks(config.preUp, name);
    const device: Device = {
      privateKey: '',
      listenPort: 40_000,
      fwMark: 'off',
      addresses: config.addresses,
      peers: new Map(),
    };
    sync(device, text, true);
    if (this.takenPorts.has(device.listenPort))
      throw new ToolFailed('[#] ip link add\nRTNETLINK answers: Address already in use');
    this.devices.set(name, device);
    try {
      this.#hooks(config.postUp, name);
    } catch (error) {
      this.devices.delete(name);
      throw error;
    }
  }

  #down(name: string, text: string): void {
    this.#device(name, `wg-quick: \`${name}' is not a WireGuard interface`);
    const config = hooksOf(parseUnshared(text));
    this.#hooks(config.preDown, name);
    if (/^\s*saveconfig\s*=\s*true/im.test(text)) this.#save(name, text);
    this.devices.delete(name);
    this.#hooks(config.postDown, name);
  }

  /** Each in a shell of its own; the first that fails ends it. */
  #hooks(hooks: readonly string[], name: string): void {
    for (const hook of hooks) {
      this.ran.push(hook.replaceAll('%i', name));
      if (/\bfalse\b/.test(hook)) throw new ToolFailed(`[#] ${hook}\nthe hook failed`);
    }
  }

  /** The file anew from the kernel; bash 5.2 puts what it replaces for every `&`. */
  #save(name: string, text: string): void {
    const device = this.#device(name, `wg-quick: \`${name}' is not a WireGuard interface`);
    const config = hooksOf(parseUnshared(text));
    const hooks = (['preUp', 'postUp', 'preDown', 'postDown'] as const).flatMap((list) =>
      config[list].map((hook) => `${list[0]?.toUpperCase() ?? ''}${list.slice(1)} = ${hook}`),
    );
    const lines = [
      '[Interface]',
      ...device.addresses.map((address) => `Address = ${address}`),
      ...config.dns.map((server) => `DNS = ${server}`),
      ...(config.mtu === null ? [] : [`MTU = ${String(config.mtu)}`]),
      ...(config.table === null ? [] : [`Table = ${config.table}`]),
      ...(/^\s*saveconfig\s*=\s*true/im.test(text) ? ['SaveConfig = true'] : []),
      ...hooks.map((hook) => hook.replaceAll('&', '[Interface]\n')),
      `ListenPort = ${String(device.listenPort)}`,
      ...(device.fwMark === 'off' ? [] : [`FwMark = ${device.fwMark}`]),
      ...(device.privateKey === '' ? [] : [`PrivateKey = ${device.privateKey}`]),
      ...[...device.peers].flatMap(([key, peer]) => ['', '[Peer]', `PublicKey = ${key}`, ...peerLines(peer)]),
    ];
    this.setFile(name, `${lines.join('\n')}\n`);
  }
}

class ToolFailed extends Error {}

const ended = (exitCode: number, stdout: string, stderr: Buffer = Buffer.alloc(0)): CommandEnd => ({
  ...{ exitCode, stderr },
  stdout: Buffer.from(stdout),
});

const dumpOf = ({ privateKey, listenPort, fwMark, peers }: Device): string =>
  [
    [privateKey === '' ? '(none)' : privateKey, 'PUBLIC', String(listenPort), fwMark].join('\t'),
    ...[...peers].map(([key, { psk, endpoint, ips, keepalive }]) =>
      [
        key,
        psk,
        endpoint,
        ips.length === 0 ? '(none)' : ips.join(','),
        '0',
        '0',
        '0',
        keepalive === 0 ? 'off' : String(keepalive),
      ].join('\t'),
    ),
  ].join('\n');

const peerLines = ({ psk, endpoint, ips, keepalive }: Peer): string[] => [
  ...(psk === '(none)' ? [] : [`PresharedKey = ${psk}`]),
  ...(ips.length === 0 ? [] : [`AllowedIPs = ${ips.join(', ')}`]),
  ...(endpoint === '(none)' ? [] : [`Endpoint = ${endpoint}`]),
  ...(keepalive === 0 ? [] : [`PersistentKeepalive = ${String(keepalive)}`]),
];

function setPeer(device: Device, [, key = '', ...options]: readonly string[], files: MemoryOldHost['files']): string {
  if (!isKey(key)) throw new ToolFailed(`Key is not the correct length or format: ${key}`);
  const peer = device.peers.get(key) ?? { psk: '(none)', endpoint: '(none)', ips: [], keepalive: 0 };
  if (options[0] === 'remove') {
    device.peers.delete(key);
    return '';
  }
  for (let at = 0; at < options.length; at += 2) {
    const [option, value = ''] = options.slice(at, at + 2);
    if (option === 'allowed-ips') {
      const ips = value.split(',').filter((ip) => ip !== '');
      // An address is one peer's alone.
      for (const other of device.peers.values()) other.ips = other.ips.filter((ip) => !ips.includes(ip));
      peer.ips = ips;
    }
    if (option === 'persistent-keepalive') {
      if (Number(value) > 65_535) throw new ToolFailed('Persistent keepalive interval is neither 0/off nor 1-65535');
      peer.keepalive = Number(value);
    }
    if (option === 'preshared-key') peer.psk = files.get(value)?.toString() ?? '(none)';
  }
  device.peers.set(key, peer);
  return '';
}

/** `wg syncconf`, or with `isNew` `wg setconf` of what `wg-quick strip` leaves. What the text does not say of the interface is wiped. */
function sync(device: Device, text: string, isNew = false): string {
  const lines = parseUnshared(text).filter(({ key, header }) => key !== '' || header);
  const isQuick = ({ section, key }: Line): boolean =>
    section === 'interface' && !['privatekey', 'listenport', 'fwmark'].includes(key) && key !== '';
  const odd = lines.find((line) => isQuick(line) && !isNew);
  if (odd !== undefined) throw new ToolFailed(`Line unrecognized: \`${odd.raw.trim()}'`);
  const [peers, sections] = [new Map<string, Peer>(), sectionsOf(lines)];
  const own = lines.filter(({ section }) => section === 'interface');
  const valueOf = (key: string): string | undefined => own.findLast((line) => line.key === key)?.value;
  const privateKey = valueOf('privatekey') ?? '';
  if (privateKey !== '' && !isPrivateKey(privateKey))
    throw new ToolFailed(`Key is not the correct length or format: \`${privateKey}'`);
  for (const section of sections) {
    const of = (key: string): string | undefined => section.findLast((line) => line.key === key)?.value;
    const key = of('publickey') ?? '';
    if (!isKey(key)) throw new ToolFailed(`Key is not the correct length or format: \`${key}'`);
    const known = device.peers.get(key);
    const keepalive = of('persistentkeepalive');
    const ips = section
      .filter((line) => line.key === 'allowedips')
      .flatMap(({ value }) => value.split(',').map((ip) => ip.trim()));
    for (const other of peers.values()) other.ips = other.ips.filter((ip) => !ips.includes(ip));
    const endpoint = of('endpoint') ?? known?.endpoint ?? '(none)';
    if (endpoint.includes('.invalid:')) throw new ToolFailed(`Name or service not known: \`${endpoint}'`);
    peers.set(key, {
      psk: of('presharedkey') ?? known?.psk ?? '(none)',
      // A name is an address from here on.
      endpoint: endpoint.replace(/^[a-z][a-z0-9.-]*:/i, '192.0.2.99:'),
      ips,
      keepalive: keepalive === undefined ? (known?.keepalive ?? 0) : keepalive === 'off' ? 0 : Number(keepalive),
    });
  }
  const listenPort = Number(valueOf('listenport') ?? 0);
  Object.assign(device, { privateKey, peers, fwMark: valueOf('fwmark') ?? 'off', listenPort: listenPort || 50_000 });
  return '';
}

function sectionsOf(lines: readonly Line[]): Line[][] {
  const sections: Line[][] = [];
  for (const line of lines.filter(({ section }) => section === 'peer')) {
    if (line.header) sections.push([]);
    else sections.at(-1)?.push(line);
  }
  return sections;
}

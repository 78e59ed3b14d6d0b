import { createHmac } from 'node:crypto';
import { decoded, parsedFields, peersOf, PythonError, writtenFile } from './old-files.ts';
import type { CommandEnd, OldHost } from './old-host.ts';
import { interfaceBody, newPeer, peerUpdate, syncBody, Unprocessable } from './old-models.ts';

/**
 * The WGDashboard node agent 2.2.0 as a model: what it checks, what it does to the host and in which order, and what it answers, faults
 * included. Written after `agent-contract`; the comments name its sections and rows.
 */

export interface OldRequest {
  readonly method: string;
  /** As it stands on the wire. */
  readonly target: string;
  /** Of the header Host. */
  readonly host: string;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface OldAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly location?: string;
}

export interface OldAgentOptions {
  readonly host: OldHost;
  readonly secret: string;
  /** Unix ms. */
  readonly now: () => number;
  readonly version?: string;
  /** A route that this build has not, as `PUT /config`. */
  readonly lacks?: string;
  /** Later builds of one version can delete an interface. */
  readonly hasDelete?: boolean;
  /** Built on Starlette before 1.0.1: the path that it checks comes from the header Host (CVE-2026-48710). */
  readonly isBadHost?: boolean;
}

const MAX_AGE_S = 300;
const FOLDER = '/etc/wireguard';

/** What a route raises to answer with a status; `detail` becomes `error`. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** `check=True` of Python's subprocess. */
class CommandFailed extends Error {
  readonly end: CommandEnd;

  constructor(end: CommandEnd) {
    super('command failed');
    this.end = end;
  }
}

export class OldAgent {
  readonly #options: OldAgentOptions;

  constructor(options: OldAgentOptions) {
    this.#options = options;
  }

  async answer(request: OldRequest): Promise<OldAnswer> {
    const path = decodePath(request.target);
    const refused = this.#authenticate(request, path);
    if (refused !== undefined) return json(401, { error: refused });
    try {
      return await this.#route(request, path);
    } catch (error) {
      if (error instanceof HttpError) return json(error.status, { error: error.message });
      if (error instanceof Unprocessable) return json(422, { detail: error.detail });
      return json(500, { error: 'Internal server error' });
    }
  }

  /** Section 2, in its order. */
  #authenticate({ method, host, timestamp, signature, body }: OldRequest, path: string): string | undefined {
    const { isBadHost = false, secret, now } = this.#options;
    const seen = isBadHost ? new URL(`http://${host}${path}`).pathname : path;
    if (seen === '/health' || seen === '/v1/metrics') return undefined;
    if (!signature || !timestamp) return 'Missing X-Signature or X-Timestamp header';
    if (!/^[+-]?[0-9]+(?:_[0-9]+)*$/.test(timestamp)) return 'Invalid timestamp';
    if (Math.abs(Math.floor(now() / 1000) - Number(timestamp.replaceAll('_', ''))) > MAX_AGE_S)
      return 'Request timestamp too old';
    const text = `${method}|${path}|${body.toString('utf8')}|${timestamp}`;
    return createHmac('sha256', secret).update(text).digest('hex') === signature ? undefined : 'Invalid signature';
  }

  async #route({ method, contentType, body }: OldRequest, path: string): Promise<OldAnswer> {
    const fixed: Readonly<Record<string, () => Promise<OldAnswer> | OldAnswer>> = {
      '/health': () => json(200, { status: 'ok', timestamp: this.#seconds(), uptime: 1000, version: this.#version() }),
      '/v1/status': () => this.#status(),
      '/v1/metrics': () => ({
        status: 200,
        body: 'wireguard_interface_count 0\n',
        contentType: 'text/plain; version=0.0.4',
      }),
      '/openapi.json': () => json(200, { openapi: '3.1.0', paths: this.#paths() }),
    };
    const own = fixed[path];
    if (own !== undefined) return method === 'GET' ? own() : json(405, { detail: 'Method Not Allowed' });
    const [, name = '', rest = ''] = /^\/v1\/wg\/([^/]+)(\/.+)?$/.exec(path) ?? [];
    if (name === '') return json(404, { detail: 'Not Found' });
    const route = `${method} ${rest.startsWith('/peers/') ? '/peers/{public_key}' : rest}`;
    const key = rest.slice('/peers/'.length);
    // A slash in a key is one more part of the path: no such route.
    if (rest.startsWith('/peers/') && key.includes('/')) return json(404, { detail: 'Not Found' });
    const routes: Readonly<Record<string, () => Promise<OldAnswer>>> = {
      'GET /dump': () => this.#dump(name),
      'POST /peers': () => this.#addPeer(name, body, contentType),
      'PUT /peers/{public_key}': () => this.#updatePeer(name, key, peerUpdate(body, contentType)),
      'DELETE /peers/{public_key}': () => this.#removePeer(name, key),
      'POST /syncconf': () => this.#syncConf(name, syncBody(body, contentType)),
      'GET /config': () => this.#getConfig(name),
      'PUT /config': () => this.#putConfig(name, body, contentType),
      'POST /enable': () => this.#enable(name),
      'POST /disable': () => this.#disable(name),
      ...(this.#options.hasDelete === true ? { 'DELETE ': () => this.#delete(name) } : {}),
    };
    const served = route === this.#options.lacks ? undefined : routes[route];
    if (served !== undefined) return served();
    const isOther = Object.keys(routes).some((known) => known.split(' ')[1] === route.split(' ')[1]);
    return isOther ? json(405, { detail: 'Method Not Allowed' }) : json(404, { detail: 'Not Found' });
  }

  #seconds(): number {
    return Math.floor(this.#options.now() / 1000);
  }

  #version(): string {
    return this.#options.version ?? '2.2.0';
  }

  #paths(): object {
    const verbs = (...names: string[]): object => Object.fromEntries(names.map((name) => [name, {}]));
    return {
      ...{ '/health': verbs('get'), '/v1/status': verbs('get'), '/v1/metrics': verbs('get') },
      '/v1/wg/{interface}/dump': verbs('get'),
      '/v1/wg/{interface}/peers': verbs('post'),
      '/v1/wg/{interface}/peers/{public_key}': verbs('put', 'delete'),
      '/v1/wg/{interface}/syncconf': verbs('post'),
      '/v1/wg/{interface}/config': verbs('get', 'put'),
      ...{ '/v1/wg/{interface}/enable': verbs('post'), '/v1/wg/{interface}/disable': verbs('post') },
      ...(this.#options.hasDelete === true ? { '/v1/wg/{interface}': verbs('delete') } : {}),
    };
  }

  async #status(): Promise<OldAnswer> {
    const names = await this.#run(['wg', 'show', 'interfaces']);
    const interfaces: Record<string, object> = {};
    for (const name of names.exitCode === 0 ? names.stdout.toString().trim().split(/\s+/).filter(Boolean) : []) {
      const dump = await this.#run(['wg', 'show', name, 'dump']);
      const peers = peersOf(dump.stdout.toString());
      interfaces[name] =
        dump.exitCode === 0
          ? { status: 'up', peer_count: peers.length, active_peers: 0, total_rx_bytes: 0, total_tx_bytes: 0 }
          : { status: 'error', peer_count: 0, active_peers: 0 };
    }
    const count = Object.keys(interfaces).length;
    return json(200, {
      ...{ status: 'ok', timestamp: this.#seconds(), uptime: 1000, version: '2.1.0' },
      system: { cpu_percent: 0.5, memory: { percent: 1.5 }, disk: { percent: 1.5 }, network: { bytes_sent: 1 } },
      wireguard: { interfaces, interface_count: count },
    });
  }

  #run(argv: readonly string[]): Promise<CommandEnd> {
    return this.#options.host.run(argv);
  }

  async #must(...argv: string[]): Promise<CommandEnd> {
    const end = await this.#run(argv);
    if (end.exitCode !== 0) throw new CommandFailed(end);
    return end;
  }

  async #isUp(name: string): Promise<boolean> {
    return (await this.#run(['wg', 'show', name])).exitCode === 0;
  }

  async #dump(name: string): Promise<OldAnswer> {
    const { exitCode, stdout, stderr } = await this.#run(['wg', 'show', name, 'dump']);
    if (exitCode !== 0)
      throw new HttpError(500, `WireGuard command failed: ${textOf(Buffer.concat([stdout, stderr]))}`);
    return json(200, { interface: name, peers: peersOf(stdout.toString()) });
  }

  /** A handled failure of a command becomes a 500 with the whole of its stderr. */
  async #saying(prefix: string, work: () => Promise<OldAnswer>): Promise<OldAnswer> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CommandFailed) throw new HttpError(500, `${prefix}: ${textOf(error.end.stderr)}`);
      if (error instanceof PythonError) throw new HttpError(500, error.message);
      throw error;
    }
  }

  #addPeer(name: string, body: Buffer, type: string): Promise<OldAnswer> {
    const peer = newPeer(body, type);
    const { public_key: key, allowed_ips: ips, preshared_key: psk, persistent_keepalive: keepalive } = peer;
    return this.#saying('Failed to add peer', async () => {
      const file = `/tmp/psk-${String(process.pid)}`;
      if (psk) await this.#options.host.writeFile(file, psk);
      try {
        const networks = ips.length > 0 ? ['allowed-ips', ips.join(',')] : [];
        await this.#must('wg', 'set', name, 'peer', key, ...networks, ...(psk ? ['preshared-key', file] : []));
        if (keepalive > 0) await this.#must('wg', 'set', name, 'peer', key, 'persistent-keepalive', String(keepalive));
        await this.#must('wg-quick', 'save', name);
      } finally {
        if (psk) await this.#options.host.remove(file);
      }
      const told = { public_key: key, allowed_ips: ips };
      return json(200, { status: 'success', message: 'Peer added successfully', peer: told });
    });
  }

  #updatePeer(name: string, key: string, update: ReturnType<typeof peerUpdate>): Promise<OldAnswer> {
    const { allowed_ips: ips, persistent_keepalive: keepalive } = update;
    return this.#saying('Failed to update peer', async () => {
      const networks = ips === null ? [] : ['allowed-ips', ips.join(',')];
      const alive = keepalive === null ? [] : ['persistent-keepalive', String(keepalive)];
      await this.#must('wg', 'set', name, 'peer', key, ...networks, ...alive);
      await this.#must('wg-quick', 'save', name);
      return json(200, { status: 'success', message: 'Peer updated successfully' });
    });
  }

  #removePeer(name: string, key: string): Promise<OldAnswer> {
    return this.#saying('Failed to remove peer', async () => {
      await this.#must('wg', 'set', name, 'peer', key, 'remove');
      await this.#must('wg-quick', 'save', name);
      return json(200, { status: 'success', message: 'Peer removed successfully' });
    });
  }

  /** Characters outside of the alphabet are dropped, so nonsense is an empty file. */
  #syncConf(name: string, config: string): Promise<OldAnswer> {
    return this.#saying('Failed to synchronize configuration', async () => {
      const alphabet = config.replace(/[^A-Za-z0-9+/=]/g, '');
      if (alphabet.replace(/=+$/, '').length % 4 === 1)
        throw new HttpError(500, '400: Invalid base64-encoded configuration');
      const file = `/tmp/sync-${String(process.pid)}.conf`;
      await this.#options.host.writeFile(file, Buffer.from(alphabet, 'base64').toString('utf8'));
      try {
        await this.#must('wg', 'syncconf', name, file);
        await this.#must('wg-quick', 'save', name);
      } finally {
        await this.#options.host.remove(file);
      }
      return json(200, { status: 'success', message: 'Configuration synchronized successfully' });
    });
  }

  async #getConfig(name: string): Promise<OldAnswer> {
    const path = `${FOLDER}/${name}.conf`;
    const bytes = await this.#options.host.readFile(path);
    if (bytes === undefined) throw new HttpError(404, `Configuration file not found: ${path}`);
    return this.#saying('', () =>
      Promise.resolve(json(200, { interface: name, config: parsedFields(decoded(bytes)) })),
    );
  }

  /** PUT config, in its seven steps. */
  #putConfig(name: string, bytes: Buffer, type: string): Promise<OldAnswer> {
    const body = interfaceBody(bytes, type);
    const { host } = this.#options;
    const path = `${FOLDER}/${name}.conf`;
    const [backup, temporary] = [`${path}.backup`, `${path}.tmp`];
    return this.#saying('', async () => {
      const old = await host.readFile(path);
      if (old !== undefined) await host.writeFile(backup, decoded(old));
      await host.writeFile(temporary, writtenFile(body, old === undefined ? undefined : decoded(old)));
      // Its validation looks at nothing.
      await this.#run(['wg', 'show', name]);
      await this.#run(['wg', 'showconf', name]);
      await host.rename(temporary, path);
      const wasUp = await this.#isUp(name);
      try {
        if (wasUp) {
          await this.#must('wg-quick', 'down', name);
          await this.#must('wg-quick', 'up', name);
        }
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error;
        // Section 7, 1: text that is no UTF-8 raises here, before the file is put back.
        const text = decoded(error.end.stderr);
        if ((await host.readFile(backup)) !== undefined) await host.rename(backup, path);
        throw new HttpError(500, `Failed to reload interface: ${text}`);
      }
      const message = 'Interface configuration updated successfully';
      return json(200, { status: 'success', message, reloaded: wasUp });
    });
  }

  async #enable(name: string): Promise<OldAnswer> {
    if (await this.#isUp(name))
      return json(200, { status: 'success', message: `Interface ${name} is already up`, was_down: false });
    const { exitCode, stderr } = await this.#run(['wg-quick', 'up', name]);
    if (exitCode !== 0) throw new HttpError(500, `Failed to enable interface: ${textOf(stderr)}`);
    return json(200, { status: 'success', message: `Interface ${name} enabled successfully`, was_down: true });
  }

  async #disable(name: string): Promise<OldAnswer> {
    if (!(await this.#isUp(name)))
      return json(200, { status: 'success', message: `Interface ${name} is already down`, was_up: false });
    const { exitCode, stderr } = await this.#run(['wg-quick', 'down', name]);
    if (exitCode !== 0) throw new HttpError(500, `Failed to disable interface: ${textOf(stderr)}`);
    return json(200, { status: 'success', message: `Interface ${name} disabled successfully`, was_up: true });
  }

  /** A down that fails is not told, and the file goes all the same. */
  async #delete(name: string): Promise<OldAnswer> {
    if (await this.#isUp(name)) await this.#run(['wg-quick', 'down', name]);
    const path = `${FOLDER}/${name}.conf`;
    if ((await this.#options.host.readFile(path)) !== undefined) await this.#options.host.remove(path);
    return json(200, { status: 'success', message: `Interface ${name} deleted successfully` });
  }
}

/** `bytes.decode()`: what is no UTF-8 raises outside of every handler. */
const textOf = (bytes: Buffer): string => {
  try {
    return decoded(bytes);
  } catch {
    throw new Error('UnicodeDecodeError');
  }
};

const json = (status: number, value: object): OldAnswer => ({ status, body: JSON.stringify(value) });

const decodePath = (target: string): string => {
  const [path = ''] = target.split('?', 1);
  return path.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
};

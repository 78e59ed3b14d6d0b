import { createSocket, type Socket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret } from '../../agent/protocol/secret.ts';
import { createResolver, type ResolveName } from '../../controller/drivers/http/resolver.ts';
import { createUrlGuard, type UrlGuard } from '../../controller/drivers/http/url-guard.ts';
import { createAgentClient } from '../../controller/drivers/wgnode/agent-client.ts';
import { newSecretText } from '../support/canary.ts';
import { freePorts } from '../support/lab/free-ports.ts';
import { startModelAgent } from './support/model-server.ts';
import { patient, reasonOf } from './support/test-client.ts';
import { newName } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();

/** A client whose names are resolved to these addresses. */
function clientAt(origin: string, keys: readonly Secret[], guard: UrlGuard): ReturnType<typeof createAgentClient> {
  const tls = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, pins: [] };
  return createAgentClient({
    address: { origin, hmacKeys: keys, tls },
    guard,
    now: agent.host.nowMs,
    called: () => undefined,
  });
}
const guardTo = (...addresses: string[]): UrlGuard =>
  createUrlGuard({ allow: ['127.0.0.0/8'], deny: [], resolveName: () => Promise.resolve(addresses) });

describe('C14 next-hmac-key', () => {
  const strange = (): Secret => new Secret(newSecretText());

  test.each([
    ['the agent has the next key alone', () => [strange(), agent.secrets[0]]],
    ['the agent has the present key alone', () => [agent.secrets[0], strange()]],
  ])('where %s calls go through, and the key that was taken is the one that is tried first', async (_, keys) => {
    const client = clientAt(agent.origin, keys(), guardTo('127.0.0.1'));
    for (let call = 0; call < 3; call += 1)
      expect(await client.readConfig(newName(), undefined, patient())).toEqual({ kind: 'absent' });
    await client.close();
  });

  test('where the agent has neither it is SignatureRejected', async () => {
    const client = clientAt(agent.origin, [strange(), strange()], guardTo('127.0.0.1'));
    expect(await reasonOf(client.readConfig(newName(), undefined, patient()))).toBe('SignatureRejected');
    await client.close();
  });
});

describe('C16 a name with several addresses', () => {
  let silent: Server;
  const held: TcpSocket[] = [];
  afterEach(() => {
    for (const socket of held.splice(0)) socket.destroy();
    silent.close();
  });

  test('the first of which takes connections and says nothing: the second one answers', async () => {
    const model = await startModelAgent(() => ({ status: 200, body: '{"version":"1"}' }));
    // Full before anybody of ours comes: packets to it are dropped, as by a firewall.
    silent = createServer((socket) => held.push(socket));
    await new Promise<void>((resolve) => silent.listen({ host: '127.0.0.9', port: model.port, backlog: 1 }, resolve));
    const client = clientAt(
      `http://agent.example:${String(model.port)}`,
      [new Secret(newSecretText())],
      guardTo('127.0.0.8', '127.0.0.1'),
    );
    // Nothing listens at the first: that fails at once, and the next one is dialled.
    expect(await client.health(patient())).toEqual({ version: '1' });
    await client.close();
    await model.close();
  });
});

describe('C4 names are resolved by packets of our own', () => {
  let folder: string;
  let server: Socket;
  let resolve: ResolveName;
  let questions: string[] = [];
  const answers = new Map<string, string>();

  /** The question of a DNS packet (RFC 1035, section 4.1.2), and where it ends. */
  function questionOf(packet: Buffer): { name: string; type: number; end: number } {
    const labels: string[] = [];
    let at = 12;
    for (let length = packet[at] ?? 0; length > 0; length = packet[at] ?? 0) {
      labels.push(packet.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    return { name: labels.join('.'), type: packet.readUInt16BE(at + 1), end: at + 5 };
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wgnode-contract-dns-'));
    const [port = 0] = await freePorts('127.0.0.1', 1);
    server = createSocket('udp4', (packet, { port: to, address }) => {
      const { name, type, end } = questionOf(packet);
      questions.push(`${name} ${type === 1 ? 'A' : 'AAAA'}`);
      const known = answers.get(name);
      if (known === 'silence') return;
      const head = Buffer.from(packet.subarray(0, end));
      head.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
      const isThere = known !== undefined && type === 1;
      head.writeUInt16BE(isThere ? 1 : 0, 6);
      head.fill(0, 8, 12);
      const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...(known ?? '').split('.').map(Number)]);
      server.send(isThere ? Buffer.concat([head, record]) : head, to, address);
    });
    await new Promise<void>((done) => server.bind({ address: '127.0.0.1', port }, done));
    await writeFile(join(folder, 'hosts'), '# of people\n10.1.1.1 Gate.example gate\n::1 six.example # v6\n');
    await writeFile(
      join(folder, 'resolv.conf'),
      'nameserver 127.0.0.1\nsearch corp.example lab.example\noptions ndots:1\n',
    );
    resolve = createResolver({ hostsFile: join(folder, 'hosts'), resolvConf: join(folder, 'resolv.conf'), port });
  });
  afterEach(() => {
    questions = [];
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  test('/etc/hosts comes first, whatever the letter case, and asks nobody', async () => {
    expect([await resolve('gate.EXAMPLE'), await resolve('gate'), await resolve('six.example')]).toEqual([
      ['10.1.1.1'],
      ['10.1.1.1'],
      ['::1'],
    ]);
    expect(questions).toEqual([]);
  });

  test('search domains are tried in their order for a name of few dots', async () => {
    answers.set('fra1.lab.example', '10.0.0.7');
    expect(await resolve('fra1')).toEqual(['10.0.0.7']);
    expect([...new Set(questions.map((question) => question.split(' ')[0]))]).toEqual([
      'fra1.corp.example',
      'fra1.lab.example',
    ]);
  });

  test('many who ask for one name at a time are one question, and an answer is kept', async () => {
    answers.set('host.example', '10.0.0.8');
    expect(await Promise.all(Array.from({ length: 50 }, () => resolve('host.example')))).toEqual(
      Array(50).fill(['10.0.0.8']),
    );
    await resolve('host.example');
    expect(questions.sort()).toEqual(['host.example A', 'host.example AAAA']);
  });

  test('a name that nobody has is DNSFailed', async () => {
    expect(await reasonOf(resolve('nobody.example'))).toBe('DNSFailed');
  });

  test('a server that never answers holds up no other name', async () => {
    for (let name = 0; name < 40; name += 1) answers.set(`dead-${String(name)}.example`, 'silence');
    answers.set('well.example', '10.0.0.9');
    const dead = Array.from({ length: 40 }, (_, name) => reasonOf(resolve(`dead-${String(name)}.example`)));
    expect(await resolve('well.example')).toEqual(['10.0.0.9']);
    expect(new Set(await Promise.all(dead))).toEqual(new Set(['DNSFailed']));
  });
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret } from '../../agent/protocol/secret.ts';
import type { AgentTlsOptions } from '../../controller/drivers/http/connector.ts';
import {
  type CertificateAuthority,
  type IssuedCertificate,
  makeCertificateAuthority,
} from '../support/lab/certificate-authority.ts';
import { issueSpecial, pinOf } from './support/certificates.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { startModelAgent, startTcp } from './support/model-server.ts';
import { failureOf, newClient, patient, reasonOf } from './support/test-client.ts';
import { countTicks, ticksOf } from './support/tick-counter.ts';
import { newName, startAgent, type TestAgent, VERSION } from './support/test-agent.ts';

const leaks = createLeakWatch();
let folder: string;
let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let good: IssuedCertificate;
let agent: TestAgent;
/** Of every TLS connection to `agent`, in order: whether it took up an earlier session. */
const resumed: boolean[] = [];

const startTls = ({ certFile, keyFile }: IssuedCertificate, clientCa: string | null = null): Promise<TestAgent> =>
  startAgent({ leaks, nowMs: Date.now, settings: { tls: { cert: certFile, key: keyFile, clientCa } } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wgnode-contract-tls-'));
  authority = await makeCertificateAuthority(join(folder, 'ca'), 'contract CA');
  stranger = await makeCertificateAuthority(join(folder, 'stranger'), 'another CA');
  good = await authority.issue('agent', '127.0.0.1');
  agent = await startTls(good);
  agent.app.server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
});
afterAll(async () => {
  await agent.close();
  await rm(folder, { recursive: true });
  leaks.expectNone();
});

/** One signed call over a connection of its own. */
async function callOnce(
  to: { origin: string; secrets?: readonly Secret[] },
  tls: Partial<AgentTlsOptions>,
): Promise<void> {
  const hmacKey = to.secrets?.[0];
  const client = newClient({ origin: to.origin, tls, ...(hmacKey === undefined ? {} : { hmacKey }) });
  try {
    await client.readConfig(newName(), undefined, patient());
  } finally {
    await client.close();
  }
}

describe('a certificate', () => {
  test('of the given authority is trusted', async () => {
    await callOnce(agent, { ca: authority.pem });
  });

  test.each([
    { what: 'of another authority', ca: () => stranger.pem },
    { what: 'of an authority that the system does not know', ca: () => undefined },
  ])('$what is TLSFailed, and says where to look', async ({ ca }) => {
    const error = await failureOf(callOnce(agent, { ca: ca() }));
    expect(error).toMatchObject({ reason: 'TLSFailed', message: expect.stringContaining('ca.crt') });
  });

  test('that has expired is TLSFailed, and says so', async () => {
    const special = { usage: 'serverAuth', altName: 'IP:127.0.0.1', days: -1 };
    const old = await startTls(await issueSpecial(authority, folder, 'expired', special));
    const error = await failureOf(callOnce(old, { ca: authority.pem })).finally(old.close);
    expect(error).toMatchObject({ reason: 'TLSFailed', message: expect.stringContaining('expired') });
  });

  test('for another address is TLSFailed, and names the field that helps', async () => {
    const other = await startTls(await authority.issue('other', '127.0.0.2'));
    const error = await failureOf(callOnce(other, { ca: authority.pem })).finally(other.close);
    expect(error).toMatchObject({ reason: 'TLSFailed', message: expect.stringContaining('serverName') });
  });

  test('for a name is judged by serverName', async () => {
    const special = { usage: 'serverAuth', altName: 'DNS:agent.example', days: 1 };
    const named = await startTls(await issueSpecial(authority, folder, 'named', special));
    try {
      await callOnce(named, { ca: authority.pem, serverName: 'agent.example' });
      expect(await reasonOf(callOnce(named, { ca: authority.pem, serverName: 'other.example' }))).toBe('TLSFailed');
      expect(await reasonOf(callOnce(named, { ca: authority.pem }))).toBe('TLSFailed');
    } finally {
      await named.close();
    }
  });
});

describe('a pin', () => {
  test("of the agent's public key lets through, one of several is enough", async () => {
    const pin = await pinOf(good);
    await callOnce(agent, { ca: authority.pem, pins: [pin] });
    await callOnce(agent, { ca: authority.pem, pins: [`${'A'.repeat(43)}=`, pin] });
  });

  test('of another key is TLSFailed, also when a session could be resumed', async () => {
    await callOnce(agent, { ca: authority.pem });
    const pins = [`${'A'.repeat(43)}=`];
    // Twice: the session of a refused connection must not help the next.
    for (let round = 0; round < 2; round += 1) {
      const error = await failureOf(callOnce(agent, { ca: authority.pem, pins }));
      expect(error).toMatchObject({ reason: 'TLSFailed', message: expect.stringContaining('spkiSha256') });
    }
  });

  test('is no way around the authority', async () => {
    const pins = [await pinOf(good)];
    expect(await reasonOf(callOnce(agent, { ca: stranger.pem, pins }))).toBe('TLSFailed');
  });
});

describe('a session', () => {
  test('is resumed by the next connection, and calls work on it', async () => {
    const tls = { ca: authority.pem, pins: [await pinOf(good), 'resumption'] };
    resumed.length = 0;
    await callOnce(agent, tls);
    await callOnce(agent, tls);
    expect(resumed).toEqual([false, true]);
  });

  test('is not resumed by who trusts another authority', async () => {
    await callOnce(agent, { ca: authority.pem });
    expect(await reasonOf(callOnce(agent, { ca: stranger.pem }))).toBe('TLSFailed');
  });
});

describe('where the agent asks for client certificates', () => {
  let strict: TestAgent;
  let own: IssuedCertificate;
  let foreign: IssuedCertificate;
  beforeAll(async () => {
    const special = { usage: 'clientAuth', altName: 'DNS:controller', days: 1 };
    own = await issueSpecial(authority, folder, 'controller', special);
    foreign = await issueSpecial(stranger, folder, 'foreign', special);
    strict = await startTls(good, authority.certFile);
  });
  afterAll(() => strict.close());
  const materialOf = async ({ certFile, keyFile }: IssuedCertificate): Promise<Partial<AgentTlsOptions>> => ({
    ca: authority.pem,
    cert: await readFile(certFile, 'utf8'),
    key: new Secret(await readFile(keyFile, 'utf8')),
  });

  test('one of its authority lets in', async () => {
    await callOnce(strict, await materialOf(own));
  });

  test('none, and one of another authority, do not', async () => {
    // TLS 1.3 judges a client only after its handshake, and Node then closes without a word.
    for (const tls of [{ ca: authority.pem }, await materialOf(foreign)]) {
      expect(['TLSFailed', 'ConnectionRefused']).toContain(await reasonOf(callOnce(strict, tls)));
    }
  });
});

describe('a peer that speaks no TLS', () => {
  test('is TLSFailed', async () => {
    const plain = await startModelAgent(() => ({ status: 200, body: `{"version":"${VERSION}"}` }));
    const origin = plain.origin.replace('http:', 'https:');
    const reason = await reasonOf(callOnce({ origin }, { ca: authority.pem })).finally(plain.close);
    expect(reason).toBe('TLSFailed');
    expect(plain.requests).toEqual([]);
  });

  test('and says nothing at all is ConnectionTimeout, by the deadline of the call', async () => {
    const mute = await startTcp(() => undefined);
    const client = newClient({ origin: mute.origin.replace('http:', 'https:'), tls: { ca: authority.pem } });
    const ticks = countTicks();
    const reason = await reasonOf(client.health(patient(300))).finally(mute.close);
    expect(ticks.stop()).toBeLessThanOrEqual(ticksOf(300));
    await client.close();
    expect(reason).toBe('ConnectionTimeout');
  });
});

test('plain HTTP at a TLS port is no success', async () => {
  const origin = agent.origin.replace('https:', 'http:');
  expect(['ConnectionRefused', 'ProtocolError', 'TLSFailed']).toContain(await reasonOf(callOnce({ origin }, {})));
});

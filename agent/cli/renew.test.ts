import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCommandRunner } from '../host/command-runner.ts';
import { readCertificate, readTls } from '../http/tls-files.ts';
import { issue, newKey } from './authority.ts';
import { namesOf } from './certificate-names.ts';
import { placeOf } from './enroll.ts';
import { init } from './init.ts';
import { renew } from './renew.ts';

const runner = createCommandRunner();
const RENEWAL = { addresses: [], hasNewKey: false, isForced: false, used: null };
const OPTIONS = { name: 'fra1', addresses: ['127.0.0.1', 'fra1.example.net'] };

let folder: string;
let tls: { readonly cert: string; readonly key: string; readonly clientCa: null };
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-renew-'));
  await init(folder, runner, OPTIONS);
  tls = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), clientCa: null };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What another authority, of the same name, has issued, lies there. */
async function bringForeign(): Promise<void> {
  const other = join(folder, 'other');
  await init(other, runner, OPTIONS);
  for (const file of ['tls.crt', 'tls.key']) cpSync(join(other, file), join(folder, file));
  rmSync(other, { recursive: true });
}

test('renew keeps the key, which may be pinned, unless it is asked for another; and leaves the certificates of others alone', async () => {
  const key = readFileSync(tls.key, 'utf8');
  expect((await renew(folder, runner, RENEWAL)).join('\n')).toMatch(/^kept .*tls\.key/m);
  expect(readFileSync(tls.key, 'utf8')).toBe(key);
  expect((await renew(folder, runner, { ...RENEWAL, hasNewKey: true })).join('\n')).toMatch(/^made .*asked for/m);
  expect(readFileSync(tls.key, 'utf8')).not.toBe(key);
  await expect(renew(folder, runner, { ...RENEWAL, used: '/etc/letsencrypt/x.pem' })).rejects.toThrow(
    'which init did not make',
  );
});

test('a key that was lost is made anew, and it is said, with the pin of the new one', async () => {
  rmSync(tls.key);
  const told = (await renew(folder, runner, RENEWAL)).join('\n');
  expect(told).toMatch(/^made +\S*tls\.key .*there was none.*spkiSha256.*[A-Za-z0-9+/]{43}=/m);
  expect(() => readTls(tls)).not.toThrow();
});

describe('the certificate of another authority', () => {
  beforeEach(bringForeign);

  test('stays as it is, and whose it is is said', async () => {
    const before = readFileSync(tls.cert, 'utf8');
    await expect(renew(folder, runner, RENEWAL)).rejects.toMatchObject({
      code: 'command',
      message: expect.stringMatching(/not issued by .*ca\.crt.*wgnode agent fra1.*--force/) as unknown,
    });
    expect(readFileSync(tls.cert, 'utf8')).toBe(before);
  });

  test('is replaced where that is asked for, with a word for the Secrets', async () => {
    const told = (await renew(folder, runner, { ...RENEWAL, isForced: true })).join('\n');
    expect(told).toMatch(/ca\.crt of Secrets/);
    expect(readCertificate(tls.cert).verify(readCertificate(join(folder, 'ca.crt')).publicKey)).toBe(true);
    await expect(renew(folder, runner, RENEWAL)).resolves.toBeDefined();
  });
});

test.each([
  ['a key of the authority that is none', 'ca.key', 'x', /^ca\.key .*ca\.key holds no private key/],
  ['the key of another authority', 'ca.key', newKey(), /ca\.key is not the key of .*ca\.crt/],
  ['an authority that is none', 'ca.crt', 'x', /^ca\.crt .*ca\.crt holds no certificate/],
  ['no authority', 'ca.crt', null, /There is no .*ca\.crt.*put it back/],
  ['a key that is none', 'tls.key', 'x', /^tls\.key .*tls\.key holds no private key/],
  [
    'a key with a passphrase',
    'tls.key',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    }),
    /tls\.key .*passphrase/,
  ],
])('%s is told in a sentence with the file, and nothing is changed', async (_, file, content, message) => {
  if (content === null) rmSync(join(folder, file));
  else writeFileSync(join(folder, file), content);
  const before = readFileSync(tls.cert, 'utf8');
  await expect(renew(folder, runner, RENEWAL)).rejects.toThrow(message);
  await expect(renew(folder, runner, RENEWAL)).rejects.not.toThrow(/[0-9A-F]{8,}:error:|openssl/);
  expect(readFileSync(tls.cert, 'utf8')).toBe(before);
  expect(readdirSync(folder).filter((name) => name.startsWith('.init-'))).toEqual([]);
});

describe('names that init does not take any more', () => {
  const OLD = ['my_host.example.net', '*.example.org'];

  test('init refuses them', async () => {
    for (const address of OLD)
      await expect(init(join(folder, 'new'), runner, { ...OPTIONS, addresses: [address] })).rejects.toThrow(
        '--address',
      );
  });

  test('renew goes on with those of an older certificate, and takes no new ones', async () => {
    await issue(folder, runner, { name: 'fra1', addresses: OLD, key: newKey() });
    await renew(folder, runner, RENEWAL);
    expect(namesOf(readCertificate(tls.cert))).toEqual(OLD);
    await expect(renew(folder, runner, { ...RENEWAL, addresses: ['*.example.net'] })).rejects.toThrow('--address');
  });
});

describe('by what enroll says that controllers reach the agent', () => {
  const placeFor = async (addresses: readonly string[], host: string): Promise<string> => {
    await issue(folder, runner, { name: 'fra1', addresses, key: newKey() });
    return placeOf(tls, host);
  };

  test.each([
    ['names of the host itself are passed over', ['localhost.localdomain', '127.0.0.1', '10.0.0.7'], 'h', '10.0.0.7'],
    ['a wildcard is passed over', ['*.example.org', 'fra1.example.org'], 'h', 'fra1.example.org'],
    ['a wildcard alone is for the name of the host', ['*.example.org'], 'fra1.example.org', 'fra1.example.org'],
  ])('%s', async (_, addresses, host, place) => {
    expect(await placeFor(addresses, host)).toBe(place);
  });

  test.each([
    ['a wildcard for others', ['*.example.org'], 'fra1.example.net'],
    ['localhost', ['localhost.localdomain', '0:0:0:0:0:0:0:1'], 'localhost.localdomain'],
  ])('%s names no URL: it is asked for', async (_, addresses, host) => {
    await expect(placeFor(addresses, host)).rejects.toThrow(/tls\.crt is for .*: give --address/);
  });

  test('without TLS it is the name of the host, if others may know it', () => {
    expect(placeOf(null, 'fra1')).toBe('fra1');
    expect(() => placeOf(null, 'localhost')).toThrow('--address');
  });
});

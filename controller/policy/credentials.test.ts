import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HMAC_KEY } from '../../test/support/check-input.ts';
import { makeCertificateAuthority } from '../../test/support/lab/certificate-authority.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { credentialProblem } from './credentials.ts';
import type { Refusal } from './refusal.ts';

/** Real ones, made by openssl(1); `other`: of another host. */
const pems = { ca: '', cert: '', key: '', otherCert: '', otherKey: '' };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'));
  const authority = await makeCertificateAuthority(join(folder, 'ca'), 'test');
  const [own, other] = [await authority.issue('own', '192.0.2.1'), await authority.issue('other', '192.0.2.2')];
  const read = (file: string): Promise<string> => readFile(file, 'utf8');
  const [cert, key] = [await read(own.certFile), await read(own.keyFile)];
  const [otherCert, otherKey] = [await read(other.certFile), await read(other.keyFile)];
  Object.assign(pems, { ca: authority.pem, cert, key, otherCert, otherKey });
});
afterAll(() => rm(folder, { recursive: true }));

type Entries = Readonly<Record<string, string>>;

const problemOf = (entries: Entries): Refusal | undefined =>
  credentialProblem('fra1-agent', new Map(Object.entries(entries).map(([entry, text]) => [entry, new Secret(text)])));

const HMAC = { 'hmac-key': HMAC_KEY };
const withoutEnd = (pem: string): string => pem.slice(0, pem.length / 2);
const spoilt = (pem: string): string => pem.replace(/[A-Za-z0-9+/]{20}\n/, '!!!!!!!!!!!!!!!!!!!!\n');

describe('usable credentials', () => {
  test.each<{ name: string; entries: () => Entries }>([
    { name: 'a key for signatures alone', entries: () => ({}) },
    { name: 'C14: the next one beside it', entries: () => ({ 'next-hmac-key': 'x'.repeat(16) }) },
    { name: 'an authority', entries: () => ({ 'ca.crt': pems.ca }) },
    {
      name: 'several authorities with words between them',
      entries: () => ({ 'ca.crt': `# one\n${pems.ca}\n# two\n${pems.otherCert}` }),
    },
    { name: 'a certificate and its key', entries: () => ({ 'tls.crt': pems.cert, 'tls.key': pems.key }) },
    {
      name: 'a chain, its own certificate first',
      entries: () => ({ 'tls.crt': pems.cert + pems.ca, 'tls.key': pems.key }),
    },
    {
      name: 'PEMs with the line ends of another system',
      entries: () => ({ 'ca.crt': pems.ca.replaceAll('\n', '\r\n') }),
    },
    { name: 'an entry that nobody uses', entries: () => ({ notes: 'garbage' }) },
  ])('$name', ({ entries }) => {
    expect(problemOf({ ...HMAC, ...entries() })).toBeUndefined();
  });
});

describe('credentials that cannot be used name the entry', () => {
  test.each<{ entry: string; name: string; entries: () => Entries }>([
    {
      entry: 'hmac-key',
      name: 'bytes of a random source',
      entries: () => ({ 'hmac-key': Buffer.from(`${'x'.repeat(32)}\xff\xfe`, 'latin1').toString('utf8') }),
    },
    { entry: 'hmac-key', name: 'none', entries: () => ({ 'ca.crt': pems.ca }) },
    { entry: 'hmac-key', name: '15 bytes', entries: () => ({ 'hmac-key': `${'x'.repeat(15)}  \n` }) },
    { entry: 'hmac-key', name: 'nothing but white space', entries: () => ({ 'hmac-key': ' '.repeat(40) }) },
    { entry: 'next-hmac-key', name: '15 bytes (C14)', entries: () => ({ ...HMAC, 'next-hmac-key': 'y'.repeat(15) }) },
    { entry: 'ca.crt', name: 'garbage', entries: () => ({ ...HMAC, 'ca.crt': 'garbage' }) },
    { entry: 'ca.crt', name: 'nothing', entries: () => ({ ...HMAC, 'ca.crt': '' }) },
    { entry: 'ca.crt', name: 'half a certificate', entries: () => ({ ...HMAC, 'ca.crt': withoutEnd(pems.ca) }) },
    { entry: 'ca.crt', name: 'a spoilt certificate', entries: () => ({ ...HMAC, 'ca.crt': spoilt(pems.ca) }) },
    { entry: 'ca.crt', name: 'a key', entries: () => ({ ...HMAC, 'ca.crt': pems.key }) },
    {
      entry: 'ca.crt',
      name: 'one good and one spoilt certificate',
      entries: () => ({ ...HMAC, 'ca.crt': pems.ca + spoilt(pems.otherCert) }),
    },
    { entry: 'tls.key', name: 'none beside tls.crt', entries: () => ({ ...HMAC, 'tls.crt': pems.cert }) },
    { entry: 'tls.crt', name: 'none beside tls.key', entries: () => ({ ...HMAC, 'tls.key': pems.key }) },
    { entry: 'tls.crt', name: 'garbage', entries: () => ({ ...HMAC, 'tls.crt': 'garbage', 'tls.key': pems.key }) },
    {
      entry: 'tls.crt',
      name: 'a spoilt certificate',
      entries: () => ({ ...HMAC, 'tls.crt': spoilt(pems.cert), 'tls.key': pems.key }),
    },
    { entry: 'tls.key', name: 'garbage', entries: () => ({ ...HMAC, 'tls.crt': pems.cert, 'tls.key': 'garbage' }) },
    {
      entry: 'tls.key',
      name: 'a certificate',
      entries: () => ({ ...HMAC, 'tls.crt': pems.cert, 'tls.key': pems.cert }),
    },
    {
      entry: 'tls.key',
      name: 'the key of another',
      entries: () => ({ ...HMAC, 'tls.crt': pems.cert, 'tls.key': pems.otherKey }),
    },
    {
      entry: 'tls.key',
      name: 'a key that fits another certificate of the chain only',
      entries: () => ({ ...HMAC, 'tls.crt': pems.cert + pems.otherCert, 'tls.key': pems.otherKey }),
    },
  ])('$entry: $name', ({ entry, entries }) => {
    const problem = problemOf(entries());
    expect(problem?.reason).toBe('InvalidCredentials');
    for (const word of [entry, 'fra1-agent']) expect(problem?.message).toContain(word);
  });
});

test('T14: no value is ever shown', () => {
  const value = fc.oneof(
    fc.string({ minLength: 8, maxLength: 60, unit: fc.constantFrom('Q', 'X', 'z', 'j', '0', '8', '+', '/', '=') }),
    fc.constantFrom('cert', 'key', 'ca', 'otherKey').map((name) => pems[name as keyof typeof pems]),
    fc.constantFrom('cert', 'key', 'ca').map((name) => spoilt(pems[name as keyof typeof pems])),
  );
  const entries = fc.record(
    { 'hmac-key': value, 'next-hmac-key': value, 'ca.crt': value, 'tls.crt': value, 'tls.key': value },
    { requiredKeys: [] },
  );
  const property = fc.property(entries, (given) => {
    const problem = problemOf(given);
    for (const text of Object.values(given))
      for (const line of text.split('\n').filter((each) => each.length >= 8 && !each.startsWith('-----')))
        expect(problem?.message ?? '').not.toContain(line);
  });
  fc.assert(property);
});

test('the same data under another name of the Secret is told under that', () => {
  const entries = new Map([['ca.crt', new Secret('garbage')]]);
  const names = ['one', 'two', 'two', 'one'].map((name) => credentialProblem(name, entries)?.message);
  expect(names.map((message) => /Secret (one|two)/.exec(message ?? '')?.[1])).toEqual(['one', 'two', 'two', 'one']);
});

import { generateKeyPairSync, randomBytes, type X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { replaceFile } from '../host/config-files.ts';
import type { CommandRunner } from '../host/command-runner.ts';
import { certificateIn, keyIn, readPem } from '../http/tls-files.ts';
import { CommandError } from './command-error.ts';

export const CA_DAYS = 3_650;
/** Below the 825 days that some clients take at most. */
export const SERVER_DAYS = 820;

// Everything is said here, so that the machine's own openssl.cnf adds nothing.
const OPENSSL = `[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** What `init` makes. */
export const paths = (folder: string): Record<'caCert' | 'caKey' | 'cert' | 'key' | 'config', string> => ({
  caCert: join(folder, 'ca.crt'),
  caKey: join(folder, 'ca.key'),
  cert: join(folder, 'tls.crt'),
  key: join(folder, 'tls.key'),
  config: join(folder, 'agent.yaml'),
});

/** The certificate of the authority that signs for this host. Throws CommandError and SettingsError where nobody could trust what it signs. */
export function readAuthority(folder: string): X509Certificate {
  const { caCert, caKey, cert, key } = paths(folder);
  const anew = `take it, ${caKey}, ${cert} and ${key} away, run wgnode-agent init, and enroll again`;
  if (!existsSync(caCert)) throw new CommandError(`There is no ${caCert}, which ${caKey} is the key of: put it back`);
  const certificate = certificateIn('ca.crt', caCert, readPem('ca.crt', caCert));
  if (!certificate.checkPrivateKey(keyIn('ca.key', caKey, readPem('ca.key', caKey))))
    throw new CommandError(`${caKey} is not the key of ${caCert}: put the two that belong together there`);
  if (!certificate.ca)
    throw new CommandError(`${caCert} is the certificate of no authority: put back the one that init made`);
  if (certificate.validToDate.getTime() < Date.now())
    throw new CommandError(
      `${caCert} has ended on ${certificate.validTo}, and what it signs is worth nothing: ${anew}`,
    );
  return certificate;
}

/** A key and a certificate that says by itself who may sign for this host. */
export async function makeAuthority(folder: string, runner: CommandRunner, name: string): Promise<void> {
  const { caCert, caKey } = paths(folder);
  await withWorkFolder(folder, async (work) => {
    const key = newKey();
    const files = { key: join(work, 'ca.key'), cert: join(work, 'ca.crt') };
    writeFileSync(files.key, key, { mode: 0o600 });
    const subject = ['-subj', `/CN=wgnode agent ${subjectOf(name)}`, '-days', String(CA_DAYS), '-extensions', 'ca'];
    const request = ['req', '-x509', '-new', '-config', writeConfig(work, '')];
    await openssl(runner, [...request, '-key', files.key, ...subject, '-out', files.cert]);
    await replaceFile(caKey, key, 'ever');
    await replaceFile(caCert, readFileSync(files.cert, 'utf8'), 'ever');
    chmodSync(caCert, 0o644);
  });
}

/** Of a server certificate. */
interface Issue {
  readonly name: string;
  readonly addresses: readonly string[];
  /** PEM. */
  readonly key: string;
}

/** Writes a server certificate and its key. A request and its signature in two steps: openssl before 3 knows no other way. */
export async function issue(folder: string, runner: CommandRunner, { name, addresses, key }: Issue): Promise<void> {
  const { caCert, caKey, cert, key: keyPath } = paths(folder);
  await withWorkFolder(folder, async (work) => {
    const files = { key: join(work, 'tls.key'), request: join(work, 'tls.csr'), cert: join(work, 'tls.crt') };
    writeFileSync(files.key, key, { mode: 0o600 });
    const names = addresses.map((address) => `${isIP(address) === 0 ? 'DNS' : 'IP'}:${address}`).join(',');
    const subject = ['-subj', `/CN=${subjectOf(name)}`, '-out', files.request];
    const config = writeConfig(work, `subjectAltName = ${names}\n`);
    await openssl(runner, ['req', '-new', '-config', config, '-key', files.key, ...subject]);
    // 63 bits, so that it is positive (RFC 5280, section 4.1.2.2).
    const serial = ['-set_serial', String(randomBytes(8).readBigUInt64BE() >> 1n)];
    const signing = ['-CA', caCert, '-CAkey', caKey, ...serial, '-days', String(SERVER_DAYS), '-sha256'];
    const extensions = ['-extfile', config, '-extensions', 'server'];
    await openssl(runner, ['x509', '-req', '-in', files.request, ...signing, ...extensions, '-out', files.cert]);
    // The agent takes a pair up only once it fits: whichever of the two it sees first.
    if (!existsSync(keyPath) || readFileSync(keyPath, 'utf8') !== key) await replaceFile(keyPath, key, 'ever');
    await replaceFile(cert, readFileSync(files.cert, 'utf8'), 'ever');
  });
}

/** `server`: what its section has beside. Returns the path. */
function writeConfig(work: string, server: string): string {
  const path = join(work, 'openssl.cnf');
  writeFileSync(path, OPENSSL + server);
  return path;
}

async function openssl(runner: CommandRunner, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runner.run('openssl', args);
  if (exitCode === 0) return;
  // What can be wrong with our own files has been looked at: this is of the program itself.
  const [words = 'nothing'] = stderr.trim().split('\n').slice(-1);
  throw new CommandError(
    `openssl ${args[0] ?? ''} ends with ${String(exitCode)}, and no certificate was made; see whether openssl version works. It says: ${words.slice(-200)}`,
  );
}

async function withWorkFolder(folder: string, work: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(folder, '.init-'));
  try {
    await work(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** In PEM. */
export const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

const subjectOf = (name: string): string => name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 40);

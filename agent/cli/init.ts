import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../host/config-files.ts';
import type { CommandRunner } from '../host/command-runner.ts';
import { readCertificate } from '../http/tls-files.ts';
import { isLinkLocal } from '../protocol/address.ts';
import { CommandError } from './command-error.ts';

/** What `init` takes; empty = what the host knows of itself. */
export interface InitOptions {
  readonly name: string | null;
  /** DNS names and addresses that the certificate is for. */
  readonly addresses: readonly string[];
}

const CA_DAYS = 3_650;
/** Below the 825 days that some clients take at most. */
const SERVER_DAYS = 820;

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

const paths = (folder: string): Record<'caCert' | 'caKey' | 'cert' | 'key' | 'config', string> => ({
  caCert: join(folder, 'ca.crt'),
  caKey: join(folder, 'ca.key'),
  cert: join(folder, 'tls.crt'),
  key: join(folder, 'tls.key'),
  config: join(folder, 'agent.yaml'),
});

/** Makes what is missing of CA, server certificate, HMAC key and agent.yaml; overwrites nothing. Returns what it did, a line a file. */
export async function init(folder: string, runner: CommandRunner, options: InitOptions): Promise<string[]> {
  const { caCert, caKey, cert, key, config } = paths(folder);
  const name = options.name ?? hostname();
  const addresses = options.addresses.length > 0 ? options.addresses : ownAddresses();
  addresses.forEach(checkAddress);
  // Not with its parents: of a read-only file system Node would say then that there is no such folder.
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  if (existsSync(cert) !== existsSync(key))
    throw new CommandError(
      `Of ${cert} and ${key} one is missing: put it back, or take the other away to have both made`,
    );
  if (!existsSync(cert) && existsSync(caCert) !== existsSync(caKey))
    throw new CommandError(
      `Of ${caCert} and ${caKey} one is missing: put it back, or take the other away to have both made`,
    );
  const done: string[] = [];
  const kept = (path: string): void => void done.push(`kept     ${path}`);
  const made = (path: string, what: string): void => void done.push(`made     ${path.padEnd(28)} ${what}`);
  if (existsSync(cert)) {
    kept(cert);
    kept(key);
  } else {
    if (existsSync(caCert)) kept(caCert);
    else {
      await makeAuthority(folder, runner, name);
      made(caCert, `authority of this host alone, ${String(CA_DAYS)} days`);
      made(caKey, 'its key; it signs renewals, and never leaves the host');
    }
    await issue(folder, runner, { name, addresses, key: newKey() });
    made(cert, `for ${addresses.join(', ')}, ${String(SERVER_DAYS)} days`);
    made(key, 'its key');
  }
  if (existsSync(config)) kept(config);
  else {
    await replaceFile(config, configText(cert, key, hasIpv6() ? "'::'" : '0.0.0.0'), 'ever');
    made(config, 'the configuration, with a new HMAC key');
  }
  return done;
}

/** What `renew` takes. */
export interface RenewOptions {
  /** Empty = those of the present certificate. */
  readonly addresses: readonly string[];
  /** Pins of the key (spec.agent.tls.spkiSha256) hold as long as it stays. */
  readonly hasNewKey: boolean;
  /** The certificate that the agent uses. */
  readonly used: string | null;
}

/** A new server certificate from the authority that `init` made; the agent takes it up by itself. */
export async function renew(
  folder: string,
  runner: CommandRunner,
  { addresses, hasNewKey, used }: RenewOptions,
): Promise<string[]> {
  const { caKey, cert, key } = paths(folder);
  if (used !== null && used !== cert)
    throw new CommandError(
      `The agent uses ${used}, which init did not make: renew it where it comes from; the agent sees the new one by itself`,
    );
  if (!existsSync(caKey))
    throw new CommandError(`There is no ${caKey}: the certificate was not made by init; renew it where it comes from`);
  if (!existsSync(cert)) throw new CommandError(`There is no ${cert} to renew: run wgnode-agent init`);
  const old = readCertificate(cert);
  const same = (old.subjectAltName ?? '').split(', ').map((entry) => entry.replace(/^(DNS|IP Address):/, ''));
  const names = addresses.length > 0 ? addresses : same;
  names.forEach(checkAddress);
  const own = hasNewKey || !existsSync(key) ? newKey() : readFileSync(key, 'utf8');
  await issue(folder, runner, { name: old.subject.replace(/^CN=/, ''), addresses: names, key: own });
  const { validTo } = readCertificate(cert);
  return [`made     ${cert.padEnd(28)} for ${names.join(', ')}, until ${validTo}`];
}

async function makeAuthority(folder: string, runner: CommandRunner, name: string): Promise<void> {
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

interface Issue {
  readonly name: string;
  readonly addresses: readonly string[];
  /** PEM. */
  readonly key: string;
}

/** A request and its signature in two steps: openssl before 3 knows no other way. */
async function issue(folder: string, runner: CommandRunner, { name, addresses, key }: Issue): Promise<void> {
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
  if (exitCode !== 0) throw new CommandError(`openssl cannot make the certificate: ${stderr.trim().slice(-500)}`);
}

async function withWorkFolder(folder: string, work: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(folder, '.init-'));
  try {
    await work(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

const subjectOf = (name: string): string => name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 40);

function checkAddress(address: string): void {
  const isName =
    /^(?=.{1,253}$)(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/.test(
      address,
    );
  if (isIP(address) === 0 && !isName)
    throw new CommandError(`--address ${JSON.stringify(address)} must be a DNS name or an IP address, without a port`);
}

/** The name of the host, if it has a domain, and its addresses, without those of loopback, links and bridges of containers. */
function ownAddresses(): string[] {
  const own = Object.entries(networkInterfaces())
    .filter(([device]) => !/^(lo|docker|br-|veth|virbr|cni|flannel|wg)/.test(device))
    .flatMap(([, list]) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => !isLinkLocal(address));
  const name = hostname();
  const all = [...(name.includes('.') ? [name] : []), ...own];
  if (all.length === 0) throw new CommandError('This host knows no address of its own: give --address DNS-NAME|IP');
  return all;
}

/** Where there is no IPv6 at all, nobody can listen at its any-address, which takes IPv4, too. */
const hasIpv6 = (): boolean =>
  Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));

const configText = (
  cert: string,
  key: string,
  host: string,
): string => `# The host's own policy: what no controller can change. See wgnode-agent --help, and man wgnode-agent.
listen: {host: ${host}, port: 8443}
tls: {cert: ${cert}, key: ${key}}
# Whoever has one of these may change the interfaces of this host. Two, while they are changed: the next one first here, then in the Secret.
secrets:
  - ${randomBytes(32).toString('hex')}
hooks: grammar
# For Prometheus on this host, and whoever else is on it: http://127.0.0.1:9586/metrics. From elsewhere: host: 0.0.0.0, tokenFile: /etc/wgnode/metrics-token
# metrics: {port: 9586}
`;

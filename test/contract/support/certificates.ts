import { createHash, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertificateAuthority, type IssuedCertificate } from '../../support/lab/certificate-authority.ts';
import { mustRun } from '../../support/lab/run.ts';

const EXTENSIONS = `basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
`;

export interface SpecialCertificate {
  /** `serverAuth` or `clientAuth`. */
  readonly usage: string;
  /** `IP:127.0.0.1`, `DNS:agent.example`. */
  readonly altName: string;
  /** From now; below 0 = it has expired. */
  readonly days: number;
}

/** A certificate that the lab's authority does not make: of a client, of a name, or one that has expired. */
export async function issueSpecial(
  { certFile: caFile }: CertificateAuthority,
  folder: string,
  name: string,
  { usage, altName, days }: SpecialCertificate,
): Promise<IssuedCertificate> {
  const path = (end: string): string => join(folder, `${name}.${end}`);
  await writeFile(path('ext'), `${EXTENSIONS}extendedKeyUsage = ${usage}\nsubjectAltName = ${altName}\n`);
  await writeFile(path('cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('key')];
  await mustRun([
    'openssl',
    'req',
    '-new',
    '-config',
    path('cnf'),
    '-subj',
    `/CN=${name}`,
    ...key,
    '-out',
    path('csr'),
  ]);
  const caKey = caFile.replace(/\.crt$/, '.key');
  const signing = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-extfile', path('ext'), '-days', String(days)];
  await mustRun(['openssl', 'x509', '-req', '-in', path('csr'), ...signing, '-out', path('crt')]);
  return { certFile: path('crt'), keyFile: path('key') };
}

/** Base64 SHA-256 of the public key of a certificate (SPKI), as pins are written. */
export async function pinOf({ certFile }: IssuedCertificate): Promise<string> {
  const { publicKey } = new X509Certificate(await readFile(certFile));
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

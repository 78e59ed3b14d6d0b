import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './run.ts';

export interface CertificateAuthority {
  readonly pem: string;
  readonly certFile: string;
  /** Makes a server certificate for an IPv4 address; both files lie in the authority's folder, the key with mode 0600. */
  issue(name: string, address: string): Promise<IssuedCertificate>;
}

export interface IssuedCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

// Everything is said here, so that the machine's own openssl.cnf adds nothing.
const CONFIG = `[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
`;
const NEW_CERTIFICATE = 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30'.split(' ');

/** Makes a CA (EC P-256) in a new folder, by openssl(1). */
export async function makeCertificateAuthority(folder: string, name: string): Promise<CertificateAuthority> {
  await mkdir(folder, { mode: 0o700 });
  const config = join(folder, 'openssl.cnf');
  await writeFile(config, CONFIG);
  const request = async (file: string, subject: string, options: readonly string[]): Promise<IssuedCertificate> => {
    const issued = { certFile: join(folder, `${file}.crt`), keyFile: join(folder, `${file}.key`) };
    await mustRun([
      ...NEW_CERTIFICATE,
      '-config',
      config,
      '-subj',
      `/CN=${subject}`,
      '-keyout',
      issued.keyFile,
      '-out',
      issued.certFile,
      ...options,
    ]);
    return issued;
  };
  const { certFile, keyFile } = await request('ca', name, ['-extensions', 'ca']);
  const signing = ['-CA', certFile, '-CAkey', keyFile, '-extensions', 'server'];
  return {
    pem: await readFile(certFile, 'utf8'),
    certFile,
    issue: (file, address) => request(file, file, [...signing, '-addext', `subjectAltName=IP:${address}`]),
  };
}

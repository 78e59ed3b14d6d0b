import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:https';
import type { Logger } from '../log.ts';
import { SettingsError, type TlsFiles } from '../settings.ts';

/** What TLS is made of, as Node takes it. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

const LOOK_MS = 10_000;

const fail = (message: string): never => {
  throw new SettingsError(message);
};

/** Reads and proves certificate and key. Throws SettingsError that names the file and the cure. */
export function readTls({ cert, key, clientCa }: TlsFiles): TlsMaterial {
  const material = { cert: readPem('tls.cert', cert), key: readPem('tls.key', key) };
  // Those of a group may read it where the host has one for keys, as Debian has.
  if ((statSync(key).mode & 0o027) !== 0)
    fail(
      `tls.key ${key} can be read by others: run chmod 600 ${key}, and think of a new key if they should not have it`,
    );
  const certificate = certificateIn('tls.cert', cert, material.cert);
  if (!certificate.checkPrivateKey(keyIn('tls.key', key, material.key)))
    fail(
      `tls.key ${key} is not the key of ${cert}: put the two that belong together there, or take both away and run wgnode-agent init`,
    );
  if (clientCa === null) return material;
  const ca = readPem('tls.clientCa', clientCa);
  certificateIn('tls.clientCa', clientCa, ca);
  return { ...material, ca };
}

/** The first certificate of a file. Throws SettingsError that names the file and the cure. */
export const readCertificate = (path: string): X509Certificate =>
  certificateIn('tls.cert', path, readPem('tls.cert', path));

/** Throws SettingsError, as above. */
export function readPem(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return fail(
      code === 'ENOENT'
        ? `${name}: there is no ${path}: run wgnode-agent init, or name another file in /etc/wgnode/agent.yaml`
        : `${name}: cannot read ${path}: ${String(code)}`,
    );
  }
}

/** The certificate of a text of this file. Throws SettingsError, as above. */
export function certificateIn(name: string, path: string, pem: Buffer | string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    const cure =
      name === 'tls.cert' ? 'put one there, or take it and its key away and run wgnode-agent init' : 'put one there';
    return fail(`${name} ${path} holds no certificate in PEM (-----BEGIN CERTIFICATE-----): ${cure}`);
  }
}

/** The private key of a text of this file. Throws SettingsError, as above. */
export function keyIn(name: string, path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    return fail(`${name} ${path} holds no private key in PEM, or one with a passphrase, which nobody could enter`);
  }
}

/**
 * Takes up files that change (renewals, the links of cert-manager's and certbot's layouts) for connections that come; what does not fit
 * together yet is looked at again. Returns what ends it.
 */
export function followTls(server: Server, tls: TlsFiles, log: Logger, everyMs = LOOK_MS): () => void {
  let known = stampOf(tls);
  let told = '';
  const look = (): void => {
    const stamp = stampOf(tls);
    if (stamp === known) return;
    try {
      server.setSecureContext(readTls(tls));
      // Clients come again, and see it: one that never does would warn of the former certificate for ever.
      server.closeIdleConnections();
      known = stamp;
      told = '';
      log.info('took up a new certificate', { cert: tls.cert });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== told)
        log.warn('the certificate has changed and cannot be used: the previous one stays', { error: message });
      told = message;
    }
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Tells contents of files apart, through links. */
function stampOf({ cert, key, clientCa }: TlsFiles): string {
  return [cert, key, ...(clientCa === null ? [] : [clientCa])]
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? 'none' : [stat.ino, stat.size, stat.mtimeMs].join();
    })
    .join(' ');
}

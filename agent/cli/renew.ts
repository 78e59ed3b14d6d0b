import { createHash, type X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { CommandRunner } from '../host/command-runner.ts';
import { keyIn, readCertificate, readPem } from '../http/tls-files.ts';
import { issue, newKey, paths, readAuthority } from './authority.ts';
import { checkName, namesOf } from './certificate-names.ts';
import { CommandError } from './command-error.ts';

/** What `renew` takes. */
export interface RenewOptions {
  /** Empty = those of the present certificate. */
  readonly addresses: readonly string[];
  /** Pins of the key (spec.agent.tls.spkiSha256) hold as long as it stays. */
  readonly hasNewKey: boolean;
  /** Writes over a certificate of another authority, too. */
  readonly isForced: boolean;
  /** The certificate that the agent uses. */
  readonly used: string | null;
}

/** A new server certificate from the authority that `init` made; the agent takes it up by itself. Returns what it did, a line a file. */
export async function renew(
  folder: string,
  runner: CommandRunner,
  { addresses, hasNewKey, isForced, used }: RenewOptions,
): Promise<string[]> {
  const { caCert, caKey, cert, key } = paths(folder);
  if (used !== null && used !== cert)
    throw new CommandError(
      `The agent uses ${used}, which init did not make: renew it where it comes from; the agent sees the new one by itself`,
    );
  if (!existsSync(caKey))
    throw new CommandError(`There is no ${caKey}: the certificate was not made by init; renew it where it comes from`);
  if (!existsSync(cert)) throw new CommandError(`There is no ${cert} to renew: run wgnode-agent init`);
  const old = readCertificate(cert);
  const isForeign = !isOf(old, readAuthority(folder));
  if (isForeign && !isForced)
    throw new CommandError(
      `${cert} was not issued by ${caCert}, the authority that init made (${JSON.stringify(old.issuer)} did): renew it where it comes from, or replace it with --force; controllers need ca.crt of ${caCert} in their Secrets then`,
    );
  addresses.forEach(checkName);
  // Those of an older init stay: a certificate may be for what no URL takes.
  const names = addresses.length > 0 ? addresses : namesOf(old);
  if (names.length === 0) throw new CommandError(`${cert} is for no name and no address: give --address DNS-NAME|IP`);
  const isLost = !existsSync(key);
  const own = hasNewKey || isLost ? newKey() : keptKey(key);
  await issue(folder, runner, { name: old.subject.replace(/^CN=/, ''), addresses: names, key: own });
  const issued = readCertificate(cert);
  const line = (word: string, path: string, what: string): string => `${word.padEnd(8)} ${path.padEnd(28)} ${what}`;
  return [
    line('made', cert, `for ${names.join(', ')}, until ${issued.validTo}`),
    hasNewKey || isLost
      ? line('made', key, `a new key, as ${hasNewKey ? 'asked for' : 'there was none'}. ${newPinText(issued)}`)
      : line('kept', key, 'pins hold'),
    ...(isForeign
      ? [
          line(
            'changed',
            cert,
            `is of another authority now: ca.crt of Secrets must be ${caCert}, see wgnode-agent enroll`,
          ),
        ]
      : []),
  ];
}

const isOf = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

function keptKey(path: string): string {
  keyIn('tls.key', path, readPem('tls.key', path));
  return readFileSync(path, 'utf8');
}

/** A controller goes by the authority, which is the same; only pins tell keys apart. */
function newPinText({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const pin = createHash('sha256').update(spki).digest('base64');
  return `Objects with spec.agent.tls.spkiSha256 reach the agent once it holds ${pin}; calls of all others go on`;
}

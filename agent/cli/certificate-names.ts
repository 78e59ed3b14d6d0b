import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isLinkLocal } from '../protocol/address.ts';
import { CommandError } from './command-error.ts';

/** The DNS names and addresses that a certificate is for; other kinds of names (RFC 5280, section 4.2.1.6) are left out. */
export const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName.split(', ').flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*${LABEL}$`);

/** Whether a URL of an agent can hold it: a DNS name without wildcard and underscore, or an address without a zone, which is one of this host. */
export const isUrlHost = (text: string): boolean =>
  // What ends in a number is taken for an address by whoever reads URLs.
  isIP(text) === 0 ? NAME.test(text) && !/(?:^|\.)[0-9]+$/.test(text) : !text.includes('%');

/** Names that mean on every host the host itself (RFC 6761, section 6.3, and what distributions write into /etc/hosts). */
const OWN_NAME = /^localhost[46]?(?:\.|$)|\.localhost$|\.localdomain[46]?$/i;
/** Loopback, any and link-local addresses, as OpenSSL writes them, too. */
const OWN_ADDRESS = /^127\.|^0\.0\.0\.0$|^169\.254\.|^(?:0*:)+0*[01]?$/;

/** Whether a controller elsewhere may reach a host by it. */
export const isReachable = (text: string): boolean =>
  isUrlHost(text) && !(isIP(text) === 0 ? OWN_NAME.test(text) : OWN_ADDRESS.test(text) || isLinkLocal(text));

/** Throws CommandError for a text that a certificate may be for, and by which no URL can name a host. */
export function checkName(address: string): void {
  if (!isUrlHost(address))
    throw new CommandError(
      `--address ${JSON.stringify(address)} must be a DNS name of letters, digits and hyphens without a wildcard, or an IP address without a zone, both without a port: spec.agent.url takes no other`,
    );
}

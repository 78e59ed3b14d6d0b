import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Secret } from '../../agent/protocol/secret.ts';
import { type Refusal, refusal } from './refusal.ts';

/** The entries of the Secret of an agent that are used; nothing else of it is kept. */
export const AGENT_ENTRIES = ['hmac-key', 'next-hmac-key', 'ca.crt', 'tls.crt', 'tls.key'] as const;

type Entries = ReadonlyMap<string, Secret>;

const HMAC_ENTRIES = ['hmac-key', 'next-hmac-key'] as const;
const MIN_HMAC_BYTES = 16;
/** What a decoder puts in the place of bytes that are no UTF-8: two keys that differ in these alone would be one. */
const NO_TEXT = '\u{fffd}';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Certificates are parsed once: the same data is judged at every look. */
const judged = new WeakMap<Entries, { readonly name: string; readonly problem: Refusal | undefined }>();

/** What is wrong with the credentials in the Secret of this name, or undefined. Never shows a value. */
export function credentialProblem(name: string, entries: Entries): Refusal | undefined {
  const known = judged.get(entries);
  if (known?.name === name) return known.problem;
  const text = hmacProblem(name, entries) ?? certificateProblem(name, entries);
  const problem = text === undefined ? undefined : refusal('InvalidCredentials', text);
  judged.set(entries, { name, problem });
  return problem;
}

function hmacProblem(name: string, entries: Entries): string | undefined {
  if (!entries.has('hmac-key')) return `The Secret ${name} must have the key hmac-key`;
  const binary = HMAC_ENTRIES.find((entry) => entries.get(entry)?.reveal().includes(NO_TEXT));
  if (binary !== undefined)
    return `${binary} of the Secret ${name} must be text, as that of the agent is: it has bytes that are no UTF-8`;
  const short = HMAC_ENTRIES.find((entry) => {
    const value = entries.get(entry);
    return value !== undefined && Buffer.byteLength(value.reveal().trim()) < MIN_HMAC_BYTES;
  });
  if (short === undefined) return undefined;
  return `${short} of the Secret ${name} must be at least ${String(MIN_HMAC_BYTES)} bytes`;
}

function certificateProblem(name: string, entries: Entries): string | undefined {
  const [ca, cert, key] = ['ca.crt', 'tls.crt', 'tls.key'].map((entry) => entries.get(entry)?.reveal());
  if ((cert === undefined) !== (key === undefined))
    return `The Secret ${name} must have both of tls.crt and tls.key, or neither`;
  if (ca !== undefined && certificatesOf(ca) === undefined)
    return `ca.crt of the Secret ${name} must be one or more certificates in PEM`;
  if (cert === undefined || key === undefined) return undefined;
  const own = certificatesOf(cert)?.[0];
  if (own === undefined) return `tls.crt of the Secret ${name} must be a certificate in PEM, its own first`;
  const privateKey = privateKeyIn(key);
  if (privateKey === undefined)
    return `tls.key of the Secret ${name} must be a private key in PEM, without a passphrase`;
  return own.checkPrivateKey(privateKey) ? undefined : `tls.key of the Secret ${name} must be the key of its tls.crt`;
}

function certificatesOf(pem: string): readonly X509Certificate[] | undefined {
  try {
    const certificates = [...pem.matchAll(CERTIFICATE)].map(([text]) => new X509Certificate(text));
    return certificates.length === 0 ? undefined : certificates;
  } catch {
    return undefined;
  }
}

function privateKeyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

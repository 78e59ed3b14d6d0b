import { createPrivateKey, createPublicKey } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Secret } from './secret.ts';

// PKCS#8 wrapping of a raw X25519 private key (RFC 8410, section 7).
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const KEY_TEXT = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Whether `text` is a WireGuard key as wg(8) takes it: 32 bytes in canonical base64, 44 characters. */
export const isKey = (text: string): boolean => KEY_TEXT.test(text);

/** Whether `text` is usable as a private key: a key, and not the all-zero one that wg takes as "no key". */
export const isPrivateKey = (text: string): boolean => isKey(text) && !/^A{43}=$/.test(text);

/** Those of the keys in use: each read of an interface asks for its own. In memory, as the keys themselves are. */
const known = new LRUCache<string, string>({ max: 64 });

/** The public key of a private key, as `wg pubkey` prints it. Throws on text that is no key; check with `isPrivateKey`. */
export function publicKeyOf(privateKey: Secret): string {
  const text = privateKey.reveal();
  const publicKey = known.get(text) ?? derive(privateKey);
  known.set(text, publicKey);
  return publicKey;
}

function derive(privateKey: Secret): string {
  const raw = Buffer.from(privateKey.reveal(), 'base64');
  const der = Buffer.concat([PKCS8_X25519, raw]);
  const jwk = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  raw.fill(0);
  der.fill(0);
  return Buffer.from(jwk.x ?? '', 'base64url').toString('base64');
}

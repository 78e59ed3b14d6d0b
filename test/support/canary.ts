import { generateKeyPairSync, randomBytes } from 'node:crypto';

interface Canary {
  readonly label: string;
  readonly forms: ReadonlyMap<string, string>;
}

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

const canaries: Canary[] = [];

/** A fresh WireGuard private key (base64 of 32 bytes), remembered so that `findLeaks` looks for it. */
export function newPrivateKey(): string {
  const { d } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const bytes = Buffer.from(String(d), 'base64url');
  return remember('private key', bytes.toString('base64'), bytes);
}

/** A fresh secret for signing requests (64 hex digits), remembered so that `findLeaks` looks for it. */
export function newSecretText(): string {
  const text = randomBytes(32).toString('hex');
  return remember('secret', text, Buffer.from(text));
}

/** One line for each canary and form (raw, base64, hex, url-encoded) that a text contains; names the canary by number, never by value. */
export function findLeaks(texts: readonly NamedText[]): string[] {
  return texts.flatMap(({ name, text }) => {
    const folded = text.toLowerCase();
    return canaries.flatMap(({ label, forms }) =>
      [...forms]
        .filter(([form, value]) =>
          form === 'hex' || form === 'url-encoded' ? folded.includes(value.toLowerCase()) : text.includes(value),
        )
        .map(([form]) => `${name} contains ${label} (${form})`),
    );
  });
}

/** `bytes` is what the text stands for: their hex is searched too. */
function remember(kind: string, text: string, bytes: Buffer): string {
  const forms = new Map([
    ['raw', text],
    ['base64', withoutPadding(Buffer.from(text).toString('base64'))],
    ['base64url', Buffer.from(text).toString('base64url')],
    ['hex', bytes.toString('hex')],
    ['url-encoded', encodeURIComponent(text)],
  ]);
  const seen = new Set<string>();
  for (const [form, value] of forms) {
    if (seen.has(value)) forms.delete(form);
    seen.add(value);
  }
  canaries.push({ label: `${kind} ${String(canaries.length + 1)}`, forms });
  return text;
}

// The last group of a base64 text depends on what follows it, for instance a line feed at the end of a Secret's value.
function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, '').slice(0, -1);
}

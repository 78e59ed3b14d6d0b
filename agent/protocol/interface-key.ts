import { isPrivateKey, publicKeyOf } from './key.ts';
import { Secret } from './secret.ts';

/**
 * The key pair of an interface. It is compared and shown by its public half; the private half is there only where somebody may set it.
 * Printing and JSON give the public key.
 */
export class InterfaceKey {
  /** Null where only the public half is known: what an agent reports of its host. */
  readonly privateKey: Secret | null;
  #publicKey: string | undefined;

  private constructor(privateKey: Secret | null, publicKey: string | undefined) {
    this.privateKey = privateKey;
    this.#publicKey = publicKey;
  }

  /** Of a usable private key; check with `isPrivateKey`. The public half is computed when it is first asked for. */
  static fromPrivate(privateKey: Secret): InterfaceKey {
    return new InterfaceKey(privateKey, undefined);
  }

  static fromPublic(publicKey: string): InterfaceKey {
    return new InterfaceKey(null, publicKey);
  }

  /** 44 characters of base64; empty for `NO_KEY`. */
  get publicKey(): string {
    this.#publicKey ??= this.privateKey === null ? '' : publicKeyOf(this.privateKey);
    return this.#publicKey;
  }

  equals(other: InterfaceKey): boolean {
    const [left, right] = [this.privateKey, other.privateKey];
    return (left !== null && right !== null && left.equals(right)) || this.publicKey === other.publicKey;
  }

  toString(): string {
    return this.publicKey;
  }

  toJSON(): string {
    return this.publicKey;
  }
}

/** A device without a key, as a wish: wg(8) takes an empty key file for it. */
export const NO_KEY: InterfaceKey = InterfaceKey.fromPublic('');

/** The key pair of a private key as `wg genkey` prints it, or undefined for text that is none. */
export const parsePrivateKey = (text: string): InterfaceKey | undefined =>
  isPrivateKey(text) ? InterfaceKey.fromPrivate(new Secret(text)) : undefined;

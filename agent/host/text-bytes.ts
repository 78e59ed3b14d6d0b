/**
 * Files are text of any encoding to wg and wg-quick: a comment in Latin-1 is nothing to them. Bytes that are no UTF-8 become half
 * surrogate pairs, U+DC80..U+DCFF, and bytes again (as in PEP 383), so that every file comes back byte for byte.
 */
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ESCAPE = 0xdc00;

/** The text of a file; never fails. */
export function decodeBytes(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

function decodeEscaped(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    const sequence = bytes.subarray(at, at + length);
    parts.push(length === 0 ? String.fromCharCode(ESCAPE + (bytes[at] ?? 0)) : STRICT.decode(sequence));
    at += Math.max(1, length);
  }
  return parts.join('');
}

/** The length of the UTF-8 sequence that begins here, or 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  for (const length of [1, 2, 3, 4]) {
    if (at + length > bytes.length) return 0;
    try {
      STRICT.decode(bytes.subarray(at, at + length));
      return length;
    } catch {
      // not a whole one yet, or none at all
    }
  }
  return 0;
}

/** The bytes of a text that `decodeBytes` gave, or of any other one. */
export function encodeText(text: string): Buffer {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text, 'utf8');
  const parts = text.split(/(?<![\ud800-\udbff])([\udc80-\udcff])/);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.of(part.charCodeAt(0) - ESCAPE) : Buffer.from(part, 'utf8'))),
  );
}

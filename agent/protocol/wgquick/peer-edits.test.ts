import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../../test/fixtures/arbitraries.ts';
import type { Cidr } from '../address.ts';
import { Secret } from '../secret.ts';
import { allowedIpsOf, forgetDocuments, parseDocument, parseUnshared, partsOf, peerKeys } from './document.ts';
import { type PeerEdits, withPeerEdits } from './peer-edits.ts';

const [A, B, C] = ['A', 'B', 'C'].map((letter) => `${letter.repeat(42)}A=`) as [string, string, string];
const ip = (text: string): Cidr => text as Cidr;
const edits = (over: Partial<PeerEdits>): PeerEdits => ({ set: [], removed: [], ...over });

const FILE = `# of the host
[Interface]
PrivateKey = x
PostUp = echo [Peer]

# Alice
[peer]
publickey = ${A}
AllowedIPs = 10.0.0.1/32 # laptop
Unknown = kept

# Bob
[Peer]
PublicKey = ${B}
AllowedIPs = 10.0.0.2/32
AllowedIPs = 10.0.0.3/32
PersistentKeepalive = 25
`;

describe('a change of peers in a file', () => {
  test('nothing to do is the same text, byte for byte', () => {
    for (const text of [FILE, '', FILE.replaceAll('\n', '\r\n'), FILE.trimEnd()]) {
      expect(withPeerEdits(text, edits({}))).toBe(text);
      expect(withPeerEdits(text, edits({ removed: [C] }))).toBe(text);
    }
    const same = { publicKey: B, allowedIps: [ip('10.0.0.2/32'), ip('10.0.0.3/32')], keepalive: 25 };
    expect(withPeerEdits(FILE, edits({ set: [same] }))).toBe(FILE);
  });

  test('a new peer comes last, after an empty line', () => {
    const wish = { publicKey: C, allowedIps: [ip('10.0.0.9/32')], presharedKey: new Secret('psk'), keepalive: 0 };
    const section = `[Peer]\nPublicKey = ${C}\nPresharedKey = psk\nAllowedIPs = 10.0.0.9/32\n`;
    expect(withPeerEdits(FILE, edits({ set: [wish] }))).toBe(`${FILE}\n${section}`);
    expect(withPeerEdits(FILE.trimEnd(), edits({ set: [wish] }))).toBe(`${FILE}\n${section}`);
    expect(withPeerEdits('', edits({ set: [wish] }))).toBe(section);
    const crlf = FILE.replaceAll('\n', '\r\n');
    expect(withPeerEdits(crlf, edits({ set: [wish] }))).toBe(`${crlf}\r\n${section.replaceAll('\n', '\r\n')}`);
  });

  test('what changes of a peer changes in its place; its comments, its case and what nobody knows stay', () => {
    const wish = { publicKey: A, allowedIps: [ip('10.0.0.7/32')], keepalive: 15 };
    expect(withPeerEdits(FILE, edits({ set: [wish] }))).toBe(
      FILE.replace(
        'AllowedIPs = 10.0.0.1/32 # laptop\nUnknown = kept\n',
        '# laptop\nAllowedIPs = 10.0.0.7/32\nUnknown = kept\nPersistentKeepalive = 15\n',
      ),
    );
    expect(withPeerEdits(FILE, edits({ set: [{ publicKey: B, allowedIps: [], keepalive: 0 }] }))).toBe(
      FILE.replace('AllowedIPs = 10.0.0.2/32\nAllowedIPs = 10.0.0.3/32\nPersistentKeepalive = 25\n', ''),
    );
  });

  test('a peer goes with its lines; a comment above the next one stays, and nothing grows when it is done again and again', () => {
    expect(withPeerEdits(FILE, edits({ removed: [A] }))).toBe(
      FILE.replace(`[peer]\npublickey = ${A}\nAllowedIPs = 10.0.0.1/32 # laptop\nUnknown = kept\n\n`, ''),
    );
    const wish = { publicKey: C, allowedIps: [ip('10.0.0.9/32')] };
    let text = FILE;
    for (let round = 0; round < 3; round += 1)
      text = withPeerEdits(withPeerEdits(text, edits({ set: [wish] })), edits({ removed: [C] }));
    expect(text.trimEnd()).toBe(FILE.trimEnd());
    expect(text.length - FILE.length).toBeLessThan(2);
  });

  test('an address that another peer gets leaves the one that had it', () => {
    const wish = { publicKey: C, allowedIps: [ip('10.0.0.1/32'), ip('10.0.0.3/32')] };
    const text = withPeerEdits(FILE, edits({ set: [wish] }));
    expect(text).toContain(`publickey = ${A}\n# laptop\nUnknown = kept`);
    expect(text).toContain('AllowedIPs = 10.0.0.2/32\nPersistentKeepalive');
  });

  test('of two sections with one key the last counts, as for wg', () => {
    const twice = `[Peer]\nPublicKey = ${A}\nAllowedIPs = 10.0.0.1/32\n[Peer]\nPublicKey = ${A}\nAllowedIPs = 10.0.0.2/32\n`;
    expect(withPeerEdits(twice, edits({ set: [{ publicKey: A, keepalive: 5 }] }))).toBe(
      `${twice}PersistentKeepalive = 5\n`,
    );
    expect(withPeerEdits(twice, edits({ removed: [A] }))).toBe('');
  });
});

const line = fc.constantFrom(
  ...['[Peer]', '[peer]', ' [Peer] # x', '[ Peer ]', '[Interface]', '[Other', '# a comment', '', 'Unknown = 1'],
  ...[
    `PublicKey = ${A}`,
    `publickey=${B}`,
    `PublicKey = ${C} # c`,
    'AllowedIPs = 10.0.0.1/32, 10.0.0.2',
    'PostUp = [Peer]',
  ],
  ...['Endpoint = x:1', 'PersistentKeepalive = 5'],
);
const file = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 24 }), fc.boolean())
  .map(([lines, isEnded]) => lines.map(([text, eol]) => text + eol).join('') + (isEnded ? '' : '[Peer]'));
const key = fc.constantFrom(A, B, C);
const anyEdits = fc.record({
  set: fc.uniqueArray(
    fc.record(
      {
        publicKey: key,
        allowedIps: fc.subarray([ip('10.0.0.1/32'), ip('10.0.0.9/32')]),
        keepalive: fc.constantFrom(0, 7),
      },
      { requiredKeys: ['publicKey'] },
    ),
    { selector: ({ publicKey }) => publicKey },
  ),
  removed: fc.uniqueArray(key),
});

test('what is known of the new text is what parsing it would say', () => {
  fc.assert(
    fc.property(file, anyEdits, (text, { set, removed }) => {
      forgetDocuments();
      const next = withPeerEdits(text, {
        set,
        removed: removed.filter((gone) => !set.some((wish) => wish.publicKey === gone)),
      });
      const known = parseDocument(next);
      expect(known).toEqual(parseUnshared(next));
      const said = [partsOf(known), peerKeys(known), allowedIpsOf(known)];
      forgetDocuments();
      const parsed = parseDocument(next);
      expect(said).toEqual([partsOf(parsed), peerKeys(parsed), allowedIpsOf(parsed)]);
    }),
    { numRuns: 10 * RUNS.numRuns },
  );
});

import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aCurrent, aDevice, aPeer, PUBLIC_KEY } from '../../test/fixtures/device.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { CHANGE_CHECKS, type Proposal } from './change-checks.ts';

const refusalOf = (proposal: Proposal): string | undefined =>
  CHANGE_CHECKS.map((check) => check(proposal)).find((error) => error !== undefined)?.code;

const proposal = (mtu: number | null, ips: readonly string[], was: number | null = 1400): Proposal => ({
  name: 'wg0',
  current: aCurrent({
    running: aConfig({ mtu: was }),
    device: aDevice({ peers: [aPeer({ allowedIps: ips.map(cidr) })] }),
  }),
  document: [],
  desired: { config: aConfig({ mtu }), state: 'up' },
  hooks: { mode: 'off', allowed: [] },
});

describe('H33: an own key among the peers', () => {
  const own = parseDocument(`[Peer]\nPublicKey = ${PUBLIC_KEY}\n`);
  const other = aConfig({ privateKey: InterfaceKey.fromPublic('other=') });

  test.each<{ name: string; part: Partial<Proposal>; expected: string | undefined }>([
    { name: 'that stands in the file is not judged anew', part: { document: own }, expected: undefined },
    {
      name: 'is refused for a key that is new',
      part: { document: own, current: aCurrent({ running: other, device: aDevice() }) },
      expected: 'key_is_peer',
    },
    {
      name: 'is refused where the device would lose the peer',
      part: {
        current: aCurrent({
          running: aConfig(),
          device: aDevice({ key: other.privateKey, peers: [aPeer({ publicKey: PUBLIC_KEY })] }),
        }),
      },
      expected: 'key_is_peer',
    },
  ])('$name', ({ part, expected }) => {
    expect(refusalOf({ ...proposal(1300, []), ...part })).toBe(expected);
  });
});

test.each<{ name: string; given: Proposal; expected: string | undefined }>([
  {
    name: 'an MTU that ends IPv6 while a peer has an IPv6 network is refused',
    given: proposal(1200, ['0.0.0.0/0', '::/0']),
    expected: 'invalid_value',
  },
  { name: 'with IPv4 peers alone it is taken', given: proposal(1200, ['0.0.0.0/0']), expected: undefined },
  { name: 'the least MTU of IPv6 is taken', given: proposal(1280, ['::/0']), expected: undefined },
  {
    name: 'one that stands in the file already is not judged',
    given: proposal(1200, ['::/0'], 1200),
    expected: undefined,
  },
])('case H6: $name', ({ given, expected }) => {
  expect(refusalOf(given)).toBe(expected);
});

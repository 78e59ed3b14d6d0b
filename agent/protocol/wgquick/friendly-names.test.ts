import { expect, test } from '@jest/globals';
import { friendlyNames } from './friendly-names.ts';

test('a peer is called what the comment in its section says, as tools write it', () => {
  const text = `[Interface]
# friendly_name = not a peer
PrivateKey = x

[Peer]
# friendly_name=Alice's laptop
PublicKey = aaa=
[peer]
PublicKey = bbb=   # friendly_name = Bob
[Peer]
# Carol
PublicKey = ccc=
[Peer]
# friendly_name = nobody
AllowedIPs = 10.0.0.1/32
`;
  expect([...friendlyNames(text)]).toEqual([
    ['aaa=', "Alice's laptop"],
    ['bbb=', 'Bob'],
  ]);
  expect([...friendlyNames('')]).toEqual([]);
});

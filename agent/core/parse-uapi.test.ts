import { expect, test } from '@jest/globals';
import { PEER_A, PEER_B, PRIVATE_KEY, PUBLIC_KEY } from '../../test/fixtures/device.ts';
import { parseDump } from './parse-dump.ts';
import { UapiParser } from './parse-uapi.ts';

const parseUapi = (text: string): ReturnType<UapiParser['parse']> => new UapiParser().parse(text);

// As wireguard-go answered `get=1`.
const ANSWER = `private_key=70bd4d48d9aff52783d76f6077ca18368e87a0c1ea67e113b654087d2891d046
listen_port=51871
fwmark=16
public_key=36701a7414b6e812facc7da8730388139fc496b3c72133fbba9d73a24272dc5a
preshared_key=0000000000000000000000000000000000000000000000000000000000000000
protocol_version=1
last_handshake_time_sec=0
last_handshake_time_nsec=0
tx_bytes=0
rx_bytes=0
persistent_keepalive_interval=0
public_key=caa0ca1abe5ced0c3b49a267920faca9791c6c6f103733aaa162371548ee5019
preshared_key=fb7d166e7edff5449f1292778838ba14da5e4d6160688154e386fede61ae0d85
protocol_version=1
endpoint=192.0.2.7:51820
last_handshake_time_sec=1700000000
last_handshake_time_nsec=5
tx_bytes=92
rx_bytes=148
persistent_keepalive_interval=25
allowed_ip=10.7.0.2/32
allowed_ip=fd07::2/128
allowed_ip=192.168.70.0/24
errno=0

`;

// The same device as `wg show wg7 dump` prints it.
const DUMP = `${PRIVATE_KEY}\t${PUBLIC_KEY}\t51871\t0x10
${PEER_B}\t(none)\t(none)\t(none)\t0\t0\t0\toff
${PEER_A}\t+30Wbn7f9USfEpJ3iDi6FNpeTWFgaIFU44b+3mGuDYU=\t192.0.2.7:51820\t10.7.0.2/32,fd07::2/128,192.168.70.0/24\t1700000000\t148\t92\t25
`;

const revealed = (dump: ReturnType<typeof parseDump>): object => ({
  ...dump,
  key: dump.key?.privateKey?.reveal(),
  peers: dump.peers.map((peer) => ({ ...peer, presharedKey: peer.presharedKey?.reveal() })),
});

test('I1: the socket of wireguard-go and the dump of wg tell the same', () => {
  expect(revealed(parseUapi(ANSWER))).toEqual(revealed(parseDump(DUMP)));
});

test('a device that has just been made has neither keys, port, mark nor peers', () => {
  expect(parseUapi('errno=0\n\n')).toEqual({
    key: null,
    listenPort: 0,
    fwMark: null,
    peers: [],
  });
});

test('a device without a private key keeps its port', () => {
  expect(parseUapi('listen_port=5\nerrno=0\n\n')).toMatchObject({ key: null, listenPort: 5 });
});

test('a peer that reads the same again is the same object, wherever it stands; one that does not is read anew', () => {
  const parser = new UapiParser();
  const head = 'listen_port=51871\n';
  const textOf = (digits: string): string => `public_key=${digits.repeat(32)}\nrx_bytes=1\nallowed_ip=10.7.0.2/32\n`;
  const [a, b] = [textOf('36'), textOf('ca')];
  const [firstA, firstB] = parser.parse(`${head}${a}${b}errno=0\n\n`).peers;
  const second = parser.parse(`${head}${b.replace('rx_bytes=1', 'rx_bytes=2')}${a}errno=0\n\n`).peers;
  expect(second.map(({ rxBytes }) => rxBytes)).toEqual([2, 1]);
  expect(second.map(({ publicKey }) => publicKey)).toEqual([firstB?.publicKey, firstA?.publicKey]);
  const third = parser.parse(`${head}${a}${b.replace('rx_bytes=1', 'rx_bytes=2')}${b}errno=0\n\n`).peers;
  expect(third[1]).not.toBe(firstB);
  const [fourthA] = parser.parse(`${head}${a}${b}errno=0\n\n`).peers;
  expect(fourthA).toBe(third[0]);
  expect(parser.parse('errno=0\n\n')).toEqual({ key: null, listenPort: 0, fwMark: null, peers: [] });
});

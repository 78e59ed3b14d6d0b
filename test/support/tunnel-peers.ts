import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from './canary.ts';

/** A host behind the tunnel of a lone host: a namespace with a WireGuard device of its own, that sends everything through it. */
export interface TunnelPeer {
  /** Its namespace, which is the last part of the name of its device. */
  readonly name: string;
  readonly address: string;
  readonly number: number;
  readonly privateKey: string;
}

export const TUNNEL_PEERS: readonly TunnelPeer[] = ['one', 'two'].map((name, at) => ({
  ...{ name, number: at + 1, address: `10.7.0.${String(at + 2)}`, privateKey: newPrivateKey() },
}));

/** The [Peer] sections of the lone host. */
export const PEER_SECTIONS = TUNNEL_PEERS.map(
  ({ privateKey, address }) =>
    `\n[Peer]\nPublicKey = ${publicKeyOf(new Secret(privateKey))}\nAllowedIPs = ${address}/32\n`,
).join('');

/** A script that makes them; `serverKey`: the public key of the lone host, whose device listens at `port`. */
export const makeTunnelPeers = (serverKey: string, port: number): string =>
  TUNNEL_PEERS.map(({ name, number, address, privateKey }) => {
    const [cable, device, inside] = [`10.93.${String(number)}`, `peer${name}`, `ip -netns ${name}`];
    return [
      `ip netns add ${name}; ip link add v${name} type veth peer name v0 netns ${name}; ip link set v${name} up; ${inside} link set v0 up; ${inside} link set lo up`,
      `ip addr add ${cable}.1/24 dev v${name}; ${inside} addr add ${cable}.2/24 dev v0`,
      `ip netns exec ${name} wireguard-go ${device} >/dev/null 2>&1`,
      `ip netns exec ${name} wg set ${device} private-key /dev/stdin peer ${serverKey} endpoint ${cable}.1:${String(port)} allowed-ips 0.0.0.0/0 persistent-keepalive 25 <<< ${privateKey}`,
      `${inside} addr add ${address}/24 dev ${device}; ${inside} link set ${device} up; ${inside} route add default dev ${device}`,
    ].join('; ');
  }).join('; ');

/** Takes them away; fine where there are none. */
export const NO_TUNNEL_PEERS = TUNNEL_PEERS.map(
  ({ name }) => `ip -netns ${name} link delete peer${name}; ip netns delete ${name}`,
).join('; ');

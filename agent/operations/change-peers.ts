import { changePeers } from '../apply/change-peers.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { AgentError } from '../core/agent-error.ts';
import { type Cidr, networkOf, parseCidr } from '../protocol/address.ts';
import { isKey, isPrivateKey } from '../protocol/key.ts';
import type { PostPeerBody, PutPeerBody } from '../protocol/peer-messages.ts';
import { Secret } from '../protocol/secret.ts';

interface PeerResponse {
  readonly status: 'success';
  readonly message: string;
  readonly changed: boolean;
}

/** POST peers: makes a peer, or changes one that is there. */
export async function addPeer(
  target: ManagedInterface,
  body: PostPeerBody,
): Promise<PeerResponse & { readonly peer: { readonly public_key: string; readonly allowed_ips: readonly string[] } }> {
  const { public_key: publicKey, allowed_ips: allowedIps = [], persistent_keepalive: keepalive = 0 } = body;
  const presharedKey = presharedKeyOf(body.preshared_key);
  const changed = await changePeers(target, {
    set: [
      {
        publicKey: checkedKey('public_key', publicKey),
        ...(allowedIps.length === 0 ? {} : { allowedIps: networksOf(allowedIps) }),
        ...(presharedKey === undefined ? {} : { presharedKey }),
        ...(keepalive === 0 ? {} : { keepalive }),
      },
    ],
    removed: [],
  });
  const peer = { public_key: publicKey, allowed_ips: allowedIps };
  return { status: 'success', message: 'Peer added successfully', changed, peer };
}

/** PUT peers/{key}: addresses and keepalive of a peer; one that is not there is made, as by the old agent. */
export async function updatePeer(target: ManagedInterface, key: string, body: PutPeerBody): Promise<PeerResponse> {
  const publicKey = checkedKey('the key in the path', key);
  const { allowed_ips: allowedIps = null, persistent_keepalive: keepalive = null } = body;
  const isNothing = allowedIps === null && keepalive === null;
  const wish = {
    publicKey,
    ...(allowedIps === null ? {} : { allowedIps: networksOf(allowedIps) }),
    ...(keepalive === null ? {} : { keepalive }),
  };
  const changed = !isNothing && (await changePeers(target, { set: [wish], removed: [] }));
  return { status: 'success', message: 'Peer updated successfully', changed };
}

/** DELETE peers/{key}; fine when it is not there. */
export async function removePeer(target: ManagedInterface, key: string): Promise<PeerResponse> {
  const changed = await changePeers(target, { set: [], removed: [checkedKey('the key in the path', key)] });
  return { status: 'success', message: 'Peer removed successfully', changed };
}

const invalid = (what: string, rule: string): AgentError =>
  new AgentError('invalid_value', `${what} ${rule}`, { details: [what] });

function checkedKey(what: string, key: string): string {
  if (isKey(key)) return key;
  throw invalid(what, 'must be a public key: 32 bytes in base64, 44 characters');
}

/** Undefined = as it is. */
function presharedKeyOf(text: string | null | undefined): Secret | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  if (isPrivateKey(text)) return new Secret(text);
  throw invalid('preshared_key', 'must be a key as `wg genpsk` prints it');
}

function networksOf(texts: readonly string[]): Cidr[] {
  const networks = texts.map((text) => {
    const network = parseCidr(text.replace(/^[ \t]+|[ \t]+$/g, ''));
    if (network === undefined) throw invalid('allowed_ips', 'must be IP addresses or networks as 10.0.0.2/32');
    return networkOf(network);
  });
  return [...new Set(networks)];
}

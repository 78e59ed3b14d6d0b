import { parseCidr } from '../../../agent/protocol/address.ts';
import type { ObservedInterface } from '../../../agent/protocol/compare.ts';
import { InterfaceKey } from '../../../agent/protocol/interface-key.ts';
import type { HealthResponse, ReadBack, WireLive } from '../../../agent/protocol/messages.ts';
import type { InterfaceConfig, InvalidTexts } from '../../../agent/protocol/wgquick/config.ts';
import type { DeviceSettings } from '../../../agent/protocol/wgquick/field.ts';
import { FIELD_NAMES, pathOf } from '../../../agent/protocol/wgquick/fields.ts';
import { configFromSpec } from '../../../agent/protocol/wgquick/wire.ts';
import type { AgentIdentity, Observation } from '../../policy/observation.ts';
import type { ConfigRead } from './agent-client.ts';

/** What a read of our agent says, in the words of the domain. */
export function observationOf(
  health: HealthResponse,
  read: Exclude<ConfigRead, { readonly kind: 'unchanged' }>,
): Observation {
  if (read.kind !== 'present') {
    const agent = identityOf(health);
    const nothing: ObservedInterface = { file: null, device: null, running: null, settled: [] };
    const owner = health.capabilities?.includes('owner') === true ? null : undefined;
    return { agent, interface: nothing, peerCount: null, reported: [], owner, revision: undefined };
  }
  return presentOf(health, read.response);
}

/** What our agent says of an interface that there is. */
export function presentOf(health: HealthResponse, response: ReadBack): Observation {
  return {
    agent: identityOf(health),
    interface: interfaceOf(response),
    peerCount: response.live?.peer_count ?? null,
    reported: response.drift.map(({ path, file, live, impact }) => ({ path, file, live, impact })),
    owner: response.owner,
    revision: response.digest,
  };
}

const identityOf = ({ version, epoch, capabilities }: HealthResponse): AgentIdentity => ({
  version,
  epoch,
  capabilities,
});

const keyOf = (publicKey: string | null): InterfaceKey | null =>
  publicKey === null ? null : InterfaceKey.fromPublic(publicKey);

function interfaceOf(response: ReadBack): ObservedInterface {
  const config = configFromSpec(response.spec, invalidTexts(response));
  const file: InterfaceConfig = { ...config, privateKey: keyOf(response.public_key) };
  return {
    file,
    device: response.live === null ? null : deviceOf(response.live, response.live_public_key),
    running: null,
    settled: FIELD_NAMES.filter((name) => response.settled?.includes(pathOf(name)) === true),
  };
}

const deviceOf = (live: WireLive, publicKey: string | null): DeviceSettings => ({
  key: keyOf(publicKey),
  listenPort: live.listen_port,
  fwMark: live.fw_mark,
  addresses: live.address.flatMap((address) => parseCidr(address) ?? []),
  mtu: live.mtu,
  linkUp: live.link_up,
});

/** Texts of the file that are no value, by the field that they stand for. */
const invalidTexts = ({ invalid = [] }: ReadBack): InvalidTexts =>
  Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const texts = invalid.filter(({ path }) => path === pathOf(name)).map(({ text }) => text);
      return texts.length === 0 ? [] : [[name, texts]];
    }),
  );

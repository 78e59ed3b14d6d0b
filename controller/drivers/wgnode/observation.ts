import { parseCidr } from '../../../agent/protocol/address.ts';
import type { ObservedInterface } from '../../../agent/protocol/compare.ts';
import { InterfaceKey } from '../../../agent/protocol/interface-key.ts';
import type { ConfigResponse, HealthResponse, WireLive } from '../../../agent/protocol/messages.ts';
import type { InterfaceConfig, InvalidTexts } from '../../../agent/protocol/wgquick/config.ts';
import type { DeviceSettings } from '../../../agent/protocol/wgquick/field.ts';
import { FIELD_NAMES, pathOf } from '../../../agent/protocol/wgquick/fields.ts';
import { configFromSpec } from '../../../agent/protocol/wgquick/wire.ts';
import type { AgentIdentity, Observation } from '../../policy/observation.ts';
import type { ConfigRead } from './agent-client.ts';

/** What a read of our agent says, in the words of the domain. */
export function observationOf(health: HealthResponse, read: ConfigRead): Observation {
  const agent = identityOf(health);
  if (read.kind !== 'present') {
    const nothing: ObservedInterface = { file: null, device: null, running: null, settled: [] };
    return { agent, interface: nothing, peerCount: null, reported: [], revision: undefined };
  }
  const { response } = read;
  return {
    agent,
    interface: interfaceOf(response),
    peerCount: response.live?.peer_count ?? null,
    reported: response.drift.map(({ path, file, live, impact }) => ({ path, file, live, impact })),
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

function interfaceOf(response: ConfigResponse): ObservedInterface {
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
const invalidTexts = ({ invalid = [] }: ConfigResponse): InvalidTexts =>
  Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const texts = invalid.filter(({ path }) => path === pathOf(name)).map(({ text }) => text);
      return texts.length === 0 ? [] : [[name, texts]];
    }),
  );

import { parseCidr } from '../../../agent/protocol/address.ts';
import type { ObservedInterface } from '../../../agent/protocol/compare.ts';
import { InterfaceKey } from '../../../agent/protocol/interface-key.ts';
import type { ConfigAnswer, HealthAnswer, WireLive } from '../../../agent/protocol/messages.ts';
import type { InterfaceConfig, InvalidTexts } from '../../../agent/protocol/wgquick/config.ts';
import type { LiveInterface } from '../../../agent/protocol/wgquick/field.ts';
import { FIELD_NAMES, pathOf } from '../../../agent/protocol/wgquick/fields.ts';
import { configFromSpec } from '../../../agent/protocol/wgquick/wire.ts';
import type { AgentIdentity, Observation } from '../../policy/observation.ts';
import type { ConfigRead } from './agent-client.ts';

/** What a read of our agent says, in the words of the domain. */
export function observationOf(health: HealthAnswer, read: ConfigRead): Observation {
  const agent = identityOf(health);
  if (read.kind !== 'present') {
    const nothing: ObservedInterface = { file: null, live: null, running: null };
    return { agent, interface: nothing, peerCount: null, reported: [], revision: undefined };
  }
  const { answer } = read;
  return {
    agent,
    interface: interfaceOf(answer),
    peerCount: answer.live?.peer_count ?? null,
    reported: answer.drift.map(({ path, file, live, impact }) => ({ path, file, live, impact })),
    revision: answer.digest,
  };
}

const identityOf = ({ version, epoch, capabilities }: HealthAnswer): AgentIdentity => ({
  version,
  epoch,
  capabilities,
});

const keyOf = (publicKey: string | null): InterfaceKey | null =>
  publicKey === null ? null : InterfaceKey.fromPublic(publicKey);

function interfaceOf(answer: ConfigAnswer): ObservedInterface {
  const config = configFromSpec(answer.spec, invalidTexts(answer));
  const file: InterfaceConfig = { ...config, privateKey: keyOf(answer.public_key) };
  return { file, live: answer.live === null ? null : liveOf(answer.live, answer.live_public_key), running: null };
}

const liveOf = (live: WireLive, publicKey: string | null): LiveInterface => ({
  key: keyOf(publicKey),
  listenPort: live.listen_port,
  fwMark: live.fw_mark,
  addresses: live.address.flatMap((address) => parseCidr(address) ?? []),
  mtu: live.mtu,
  linkUp: live.link_up,
});

/** Texts of the file that are no value, by the field that they stand for. */
const invalidTexts = ({ invalid = [] }: ConfigAnswer): InvalidTexts =>
  Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const texts = invalid.filter(({ path }) => path === pathOf(name)).map(({ text }) => text);
      return texts.length === 0 ? [] : [[name, texts]];
    }),
  );

import { parseCidr } from './address.ts';
import type { ObservedInterface } from './compare.ts';
import { InterfaceKey } from './interface-key.ts';
import type { ReadBack, WireLive } from './messages.ts';
import type { InterfaceConfig, InvalidTexts } from './wgquick/config.ts';
import type { DeviceSettings } from './wgquick/field.ts';
import { FIELD_NAMES, pathOf } from './wgquick/fields.ts';
import { configFromSpec } from './wgquick/wire.ts';

/** The interface of an answer to GET config, as `compare` takes it; keys are known by their public halves. */
export function observedFrom(response: ReadBack): ObservedInterface {
  const config = configFromSpec(response.spec, invalidTexts(response));
  const file: InterfaceConfig = { ...config, privateKey: keyOf(response.public_key) };
  return {
    file,
    device: response.live === null ? null : deviceOf(response.live, response.live_public_key),
    running: null,
    settled: FIELD_NAMES.filter((name) => response.settled?.includes(pathOf(name)) === true),
  };
}

const keyOf = (publicKey: string | null): InterfaceKey | null =>
  publicKey === null ? null : InterfaceKey.fromPublic(publicKey);

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

import { compare, type Difference as FieldDifference, type ObservedInterface } from '../../agent/protocol/compare.ts';
import type { Impact } from '../../agent/protocol/impact.ts';
import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import type { ConfigAnswer, WireLive } from '../../agent/protocol/messages.ts';
import { parseCidr } from '../../agent/protocol/address.ts';
import type { InterfaceConfig, InvalidTexts } from '../../agent/protocol/wgquick/config.ts';
import type { LiveInterface } from '../../agent/protocol/wgquick/field.ts';
import { FIELD_NAMES, pathOf } from '../../agent/protocol/wgquick/fields.ts';
import { configFromSpec } from '../../agent/protocol/wgquick/wire.ts';
import type { Desired } from './desired.ts';

/** What the agent reports of one interface. */
export type Observation = { readonly kind: 'absent' } | { readonly kind: 'present'; readonly answer: ConfigAnswer };

/** One thing that is not as desired. */
export interface Difference extends FieldDifference {
  /** What the agent plans to do about it does to traffic; absent = nobody planned it yet. */
  readonly impact?: Impact;
}

/** Differences between what is desired and what the agent reports of file and kernel; empty = in sync. */
export function diff(desired: Desired, observed: Observation): Difference[] {
  if (observed.kind === 'absent') return compare(desired, { file: null, live: null, running: null });
  const { answer } = observed;
  // The agent compares file and kernel in more detail than it can tell us: routes, DNS, hooks.
  const reported = desired.state === 'up' && answer.state === 'up' ? answer.drift : [];
  const impacts = new Map(reported.map(({ path, impact }) => [path, impact]));
  const own = compare(desired, observedOf(answer)).map((entry): Difference => {
    const impact = impacts.get(entry.path);
    return impact === undefined ? entry : { ...entry, impact };
  });
  const known = new Set(own.map(({ path }) => path));
  const further = reported.filter(({ path }) => !known.has(path)).map((entry) => ({ ...entry, desired: entry.file }));
  return [...own, ...further];
}

const keyOf = (publicKey: string | null): InterfaceKey | null =>
  publicKey === null ? null : InterfaceKey.fromPublic(publicKey);

function observedOf(answer: ConfigAnswer): ObservedInterface {
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

import type { Impact } from '../../agent/protocol/impact.ts';
import type { ConfigAnswer } from '../../agent/protocol/messages.ts';
import type { FieldName, InvalidTexts } from '../../agent/protocol/wgquick/config.ts';
import { FIELD_NAMES, fieldOf, pathOf } from '../../agent/protocol/wgquick/fields.ts';
import { configFromSpec } from '../../agent/protocol/wgquick/wire.ts';
import type { Desired } from './desired.ts';

/** What the agent reports of one interface. */
export type Observation = { readonly kind: 'absent' } | { readonly kind: 'present'; readonly answer: ConfigAnswer };

/** One thing that the plan would change; values are text for people, keys only ever as public keys. */
export interface Difference {
  /** `spec.interface.mtu` */
  readonly path: string;
  readonly desired: string;
  readonly file: string;
  readonly live: string;
  readonly impact: Impact;
}

const ABSENT = 'absent';
const NAME_PATH = 'spec.interface.name';
const STATE_PATH = 'spec.interface.state';
const IMPACTS: Partial<Record<FieldName, Impact>> = {
  privateKey: 'Rehandshake',
  listenPort: 'Rehandshake',
  table: 'Restart',
  preUp: 'Restart',
  postUp: 'Restart',
};

const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

/** The values of the file and beside them what is none. */
const fileText = (value: unknown, invalid: readonly string[]): string =>
  [textOf(value), ...invalid].filter((text) => text !== '').join(', ');

/** Texts of the file that are no value, by the field that they stand for. */
const invalidTexts = ({ invalid = [] }: ConfigAnswer): InvalidTexts =>
  Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const texts = invalid.filter(({ path }) => path === pathOf(name)).map(({ text }) => text);
      return texts.length === 0 ? [] : [[name, texts]];
    }),
  );

/** Differences between what is wanted and what the agent reports of file and kernel; empty = in sync. */
export function diff(desired: Desired, observed: Observation): Difference[] {
  if (observed.kind === 'absent') {
    return [{ path: NAME_PATH, desired: 'present', file: ABSENT, live: ABSENT, impact: 'None' }];
  }
  const { answer } = observed;
  const own = [
    ...fileDifferences(desired, answer),
    ...stateDifferences(desired, answer),
    ...liveDifferences(desired, answer),
  ];
  // The agent compares file and kernel in more detail than it can tell us: routes, DNS, hooks.
  const reported = desired.state === 'up' && answer.state === 'up' ? answer.drift : [];
  const further = reported.map((entry) => ({ ...entry, desired: entry.file }));
  return firstOfEachPath([...own, ...further]);
}

function firstOfEachPath(differences: readonly Difference[]): Difference[] {
  const byPath = new Map<string, Difference>();
  for (const entry of differences) if (!byPath.has(entry.path)) byPath.set(entry.path, entry);
  return [...byPath.values()];
}

function fileDifferences({ config, publicKey }: Desired, answer: ConfigAnswer): Difference[] {
  const file = configFromSpec(answer.spec, invalidTexts(answer));
  const isUp = answer.state === 'up';
  return FIELD_NAMES.flatMap((name) => {
    const isKey = name === 'privateKey';
    const invalid = file.invalid[name] ?? [];
    const equal = isKey ? publicKey === answer.public_key : fieldOf(name).equal(file[name], config[name]);
    if (equal && invalid.length === 0) return [];
    return {
      path: pathOf(name),
      desired: isKey ? publicKey : textOf(config[name]),
      file: isKey
        ? (answer.public_key ?? '')
        : textOf(invalid.length === 0 ? file[name] : fileText(file[name], invalid)),
      live: isKey ? (answer.live_public_key ?? '') : liveText(name, answer),
      impact: isUp ? (IMPACTS[name] ?? 'None') : 'None',
    };
  });
}

function liveText(name: FieldName, { live }: ConfigAnswer): string {
  switch (name) {
    case 'listenPort':
      return textOf(live?.listen_port);
    case 'fwMark':
      return textOf(live?.fw_mark);
    case 'mtu':
      return textOf(live?.mtu);
    case 'addresses':
      return textOf(live?.address);
    default:
      return '';
  }
}

function stateDifferences({ state }: Desired, answer: ConfigAnswer): Difference[] {
  if (state === 'up' && answer.state !== 'up') {
    return [{ path: STATE_PATH, desired: 'Up', file: '', live: 'Down', impact: 'None' }];
  }
  if (state === 'down' && answer.state === 'up') {
    return [{ path: STATE_PATH, desired: 'Down', file: '', live: 'Up', impact: 'Restart' }];
  }
  return [];
}

/** Only what is wanted and missing: what else the host has is not ours to judge. */
function liveDifferences({ config, publicKey, state }: Desired, answer: ConfigAnswer): Difference[] {
  const { live } = answer;
  if (live === null || state === 'down') return [];
  const missing = config.addresses.some((address) => !live.address.includes(address));
  const differs: readonly (readonly [FieldName, boolean])[] = [
    ['privateKey', answer.live_public_key !== publicKey],
    ['listenPort', config.listenPort !== null && config.listenPort !== live.listen_port],
    ['fwMark', config.fwMark !== null && config.fwMark !== live.fw_mark],
    ['mtu', config.mtu !== null && config.mtu !== live.mtu],
    ['addresses', missing],
  ];
  const file = configFromSpec(answer.spec, invalidTexts(answer));
  return differs
    .filter(([, isDifferent]) => isDifferent)
    .map(([name]) => ({
      path: pathOf(name),
      desired: name === 'privateKey' ? publicKey : textOf(config[name]),
      file: name === 'privateKey' ? (answer.public_key ?? '') : textOf(file[name]),
      live: name === 'privateKey' ? (answer.live_public_key ?? '') : liveText(name, answer),
      impact: IMPACTS[name] ?? 'None',
    }));
}

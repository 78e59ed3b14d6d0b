import { redactKeys } from './redact.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from './wgquick/fields.ts';
import { type InterfaceConfig, isSame } from './wgquick/config.ts';
import type { DeviceSettings } from './wgquick/field.ts';

/** What an interface shall be like. */
export interface DesiredInterface {
  readonly config: InterfaceConfig;
  readonly state: 'up' | 'down';
}

/** What an interface is like. */
export interface ObservedInterface {
  /** Null = there is no file. */
  readonly file: InterfaceConfig | null;
  /** Null = there is no device; `unseen` = there is one, and who answers does not show what it has. */
  readonly device: DeviceSettings | 'unseen' | null;
  /** What the device was brought up with; null = not known here, as only the host knows. */
  readonly running: InterfaceConfig | null;
  /** Fields in which the device is not as its file says, and right all the same: a hook made it so. */
  readonly settled: readonly FieldName[];
}

/** One field that is not as desired. Values are texts for people, a key only ever as its public half; empty = none or not known. */
export interface Difference {
  /** Of the resource: `spec.interface.mtu`. */
  readonly path: string;
  readonly desired: string;
  readonly file: string;
  readonly live: string;
}

/** The path of a difference that is the whole interface. */
export const NAME_PATH = 'spec.interface.name';
/** The path of a difference in up or down. */
export const STATE_PATH = 'spec.interface.state';

/** Where an interface is not as desired, one entry a field; empty = in sync. Agent and controller both compare by this. */
export function compare(desired: DesiredInterface, observed: ObservedInterface): Difference[] {
  if (observed.file === null && observed.device === null)
    return [{ path: NAME_PATH, desired: 'present', file: 'absent', live: 'absent' }];
  const fields = FIELD_NAMES.filter(
    (name) => !isInFile(name, desired, observed) || !isRunning(name, desired, observed),
  );
  return [...fields.map((name) => differenceOf(name, desired, observed)), ...stateDifference(desired, observed)];
}

/** Text in the file that is no value is a difference whatever is desired: wg or wg-quick does not take it. */
function isInFile(name: FieldName, { config }: DesiredInterface, { file }: ObservedInterface): boolean {
  const { equal, absent } = fieldOf(name);
  return file?.invalid[name] === undefined && equal(file === null ? absent : file[name], config[name]);
}

/** Whether the device has what is desired, or what its hooks made of it. */
function isRunning(
  name: FieldName,
  { config, state }: DesiredInterface,
  { file, device, running, settled }: ObservedInterface,
): boolean {
  if (device === null || device === 'unseen' || state === 'down') return true;
  if (settled.includes(name) && file !== null && isSame(name, file, config)) return true;
  const field = fieldOf(name);
  switch (field.running.shownBy) {
    case 'kernel':
      return field.running.holds(config[name], device, running === null ? [] : [running[name]]);
    case 'copy':
      return running === null || isSame(name, running, config);
    case 'file':
      return true;
  }
}

function differenceOf(
  name: FieldName,
  { config }: DesiredInterface,
  { file, device, running }: ObservedInterface,
): Difference {
  const { text, absent } = fieldOf(name);
  const inFile = text(file === null ? absent : file[name]);
  return {
    path: pathOf(name),
    desired: text(config[name]),
    file: [inFile, ...(file?.invalid[name] ?? []).map((own) => redactKeys(own) || 'a line without a value')]
      .filter((part) => part !== '')
      .join(', '),
    live: liveText(name, device, running),
  };
}

function liveText(name: FieldName, device: ObservedInterface['device'], running: InterfaceConfig | null): string {
  const field = fieldOf(name);
  if (device === null || device === 'unseen') return '';
  if (field.running.shownBy === 'kernel') return field.text(field.running.of(device));
  return running === null ? '' : field.text(running[name]);
}

function stateDifference({ state }: DesiredInterface, { device }: ObservedInterface): Difference[] {
  const isUp = device === 'unseen' || device?.linkUp === true;
  if (state === 'up' && !isUp) return [{ path: STATE_PATH, desired: 'Up', file: '', live: 'Down' }];
  if (state === 'down' && device !== null)
    return [{ path: STATE_PATH, desired: 'Down', file: '', live: isUp ? 'Up' : 'Down' }];
  return [];
}

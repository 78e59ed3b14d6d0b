import { canonicalIp, isIpv6 } from './address.ts';
import { isPrivateKey } from './key.ts';
import { redactKeys } from './redact.ts';
import type { InterfaceConfig } from './wgquick/config.ts';
import { FIELD_NAMES, fieldOf, HOOK_NAMES } from './wgquick/fields.ts';

/** One thing that is wrong with a configuration. The value of a private key is never repeated. */
export interface Problem {
  /** `invalid_hook` for hook lines, `invalid_value` for everything else. */
  readonly code: 'invalid_value' | 'invalid_hook';
  /** Path in the resource: `spec.interface.mtu`. */
  readonly path: string;
  readonly message: string;
}

const MAX_LIST = 64;
/** Old clients join all rules into one line. */
const MAX_HOOK = 4096;
// Control characters and the line and paragraph separators: any of them could end the line it stands in.
// Half a surrogate pair cannot be written as UTF-8.
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

const problem = (field: string, message: string): Problem => ({
  code: 'invalid_value',
  path: `spec.interface.${field}`,
  message,
});

const show = (value: string): string => JSON.stringify(redactKeys(value).slice(0, 64));

/** Everything that is wrong with the values of a configuration; empty = good. Pure: what needs the host is checked elsewhere. */
export const validate = (config: InterfaceConfig): Problem[] => [
  ...keyProblems(config),
  ...numberProblems(config),
  ...invalidProblems(config),
  ...addressProblems(config),
  ...dnsProblems(config),
  ...tableProblems(config.table),
  ...hookProblems(config),
];

const keyProblems = ({ privateKey }: InterfaceConfig): Problem[] =>
  privateKey !== null && isPrivateKey(privateKey.reveal())
    ? []
    : [problem('privateKeySecretRef', fieldOf('privateKey').rule)];

function numberProblems({ listenPort, mtu, fwMark, addresses }: InterfaceConfig): Problem[] {
  const problems: Problem[] = [];
  const within = (value: number | null, low: number, high: number): boolean =>
    value === null || (value >= low && value <= high);
  if (!within(listenPort, 1, 65_535)) problems.push(problem('listenPort', 'must be from 1 to 65535'));
  if (!within(mtu, 576, 65_535)) problems.push(problem('mtu', 'must be from 576 to 65535'));
  if (mtu !== null && mtu < 1280 && addresses.some(isIpv6)) {
    problems.push(problem('mtu', 'must be at least 1280 when `addresses` has an IPv6 address'));
  }
  if (!within(fwMark, 1, 0xffffffff)) problems.push(problem('fwMark', 'must be from 1 to 4294967295'));
  return problems;
}

function addressProblems({ addresses }: InterfaceConfig): Problem[] {
  const problems: Problem[] = [];
  if (addresses.length > MAX_LIST)
    problems.push(problem('addresses', `must hold at most ${String(MAX_LIST)} addresses`));
  if (new Set(addresses).size < addresses.length) problems.push(problem('addresses', 'must not hold an address twice'));
  return problems;
}

const dnsProblems = ({ dns, invalid }: InterfaceConfig): Problem[] =>
  dns.length > 0 && invalid.dns === undefined && dns.every((entry) => canonicalIp(entry) === undefined)
    ? [problem('dns', 'must hold a server: search domains alone do nothing in wg-quick')]
    : [];

/** Texts that are no value; of a private key it is said by its absence. */
const invalidProblems = ({ invalid }: InterfaceConfig): Problem[] =>
  FIELD_NAMES.filter((name) => name !== 'privateKey').flatMap((name) =>
    (invalid[name] ?? []).map((text) => problem(name, `${fieldOf(name).rule}: ${show(text)} is none`)),
  );

function tableProblems(table: string | null): Problem[] {
  if (table === null || table === 'off') return [];
  const isNumber = /^[1-9][0-9]{0,9}$/.test(table) && Number(table) <= 0xffffffff;
  return isNumber ? [] : [problem('table', 'must be auto, off or a number from 1 to 4294967295')];
}

const hookProblems = (config: InterfaceConfig): Problem[] =>
  HOOK_NAMES.flatMap((name) => {
    const lines = config[name];
    const bad = lines.flatMap((line, index) => {
      const message = hookProblem(line);
      return message === undefined
        ? []
        : [{ code: 'invalid_hook' as const, path: `spec.interface.${name}[${String(index)}]`, message }];
    });
    return lines.length > MAX_LIST ? [...bad, problem(name, `must hold at most ${String(MAX_LIST)} commands`)] : bad;
  });

function hookProblem(line: string): string | undefined {
  if (line === '') return 'must not be empty';
  if (CONTROL.test(line)) return 'must be one line without control characters';
  if (line.length > MAX_HOOK) return `must be at most ${String(MAX_HOOK)} characters`;
  if (line.includes('#')) return 'must not contain #: wg-quick before 1.0.20260223 cuts the line there';
  return undefined;
}

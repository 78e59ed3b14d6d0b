import { isIpv6 } from '../protocol/address.ts';
import type { DesiredInterface } from '../protocol/compare.ts';
import type { HookPolicy } from '../protocol/hooks/hook.ts';
import { flowText, intentsOfLine } from '../protocol/firewall/intents-of-line.ts';
import { madeBy } from '../protocol/hooks/made-by.ts';
import { parseHook } from '../protocol/hooks/parse-hook.ts';
import { refusalText } from '../protocol/hooks/refusal.ts';
import { redactKeys } from '../protocol/redact.ts';
import { validate } from '../protocol/validate.ts';
import { changedFields, EMPTY_CONFIG } from '../protocol/wgquick/config.ts';
import { allowedIpsOf, type Document, peerKeys } from '../protocol/wgquick/document.ts';
import { type FieldName, fieldOf, FIELDS, HOOK_NAMES, pathOf } from '../protocol/wgquick/fields.ts';
import { AgentError } from './agent-error.ts';
import type { Current } from './plan.ts';

/** A change as it is judged before anything is touched. */
export interface Proposal {
  /** Of the interface. */
  readonly name: string;
  readonly current: Current;
  /** The file as it is; empty when there is none. */
  readonly document: Document;
  readonly desired: DesiredInterface;
  readonly hooks: HookPolicy;
}

/** Why a change must not be made, from what is known already. */
export type ChangeCheck = (proposal: Proposal) => AgentError | undefined;

/** What is in the file already and stays is not judged anew: a PUT of something else must not fail on it. */
const valuesAreValid: ChangeCheck = ({ current, desired: { config } }) => {
  const changed = changedFields(current.file ?? EMPTY_CONFIG, config);
  const isJudged = (name: FieldName): boolean =>
    changed.some((other) => other === name || fieldOf(name).judgedWith?.includes(other) === true);
  const problems = validate(config).filter(({ field }) => isJudged(field));
  const [first] = problems;
  if (first === undefined) return undefined;
  const details = problems.map(({ path, message }) => `${path}: ${message}`);
  return new AgentError(first.code, `Cannot take the configuration: ${details.join('; ')}`, { details });
};

const hooksAreAllowed: ChangeCheck = (proposal) => {
  const {
    current,
    desired: { config },
    hooks,
  } = proposal;
  const fresh = HOOK_NAMES.filter(
    (name) => config[name].length > 0 && !FIELDS[name].equal(current.file?.[name] ?? [], config[name]),
  );
  if (hooks.mode === 'shell' || fresh.length === 0) return undefined;
  if (hooks.mode === 'grammar') return refusedHooks(fresh, proposal);
  const text = `The agent's own policy (hooks: off) does not take new hooks: ${fresh.join(', ')}; hooks: grammar in its configuration takes those that run known programs alone`;
  return new AgentError('hooks_off', text, { details: fresh.map(pathOf) });
};

/** The lines that are not in the file and that the grammar refuses. */
function refusedHooks(
  names: readonly (typeof HOOK_NAMES)[number][],
  { name: device, current, desired: { config }, hooks: { allowed } }: Proposal,
): AgentError | undefined {
  const made = madeBy(
    HOOK_NAMES.flatMap((name) => config[name]),
    device,
  );
  const details = names.flatMap((name) =>
    config[name].flatMap((line, index) => {
      if (current.file?.[name].includes(line) === true) return [];
      const parsed = parseHook(line, { device, allowed, made });
      if ('hook' in parsed) return [];
      const intents = intentsOfLine(line, device).map(flowText);
      const same = intents.length === 0 ? '' : `; or in spec.interface.firewall: ${intents.join(', ')}`;
      return `${pathOf(name)}[${String(index)}]: ${redactKeys(refusalText(parsed.refusal) + same)}`;
    }),
  );
  if (details.length === 0) return undefined;
  const more = details.length > 1 ? `; ${String(details.length - 1)} more are not taken either` : '';
  return new AgentError('hook_not_allowed', `Cannot take the configuration: ${details[0] ?? ''}${more}`, { details });
}

/** The kernel silently drops a peer that has the interface's own key. */
const keyIsNoPeer: ChangeCheck = ({ current, document, desired: { config } }) => {
  const publicKey = config.privateKey?.publicKey;
  const { device, file } = current;
  // What stands in the file already is not judged: whole meshes are made from one list of peers.
  const inFile = publicKey === file?.privateKey?.publicKey ? [] : peerKeys(document);
  const live = publicKey === device?.key?.publicKey ? [] : (device?.peers ?? []);
  const peers = [...inFile, ...live.map((peer) => peer.publicKey)];
  if (publicKey === undefined || !peers.includes(publicKey)) return undefined;
  const text = `The public key ${publicKey} of the new private key is that of a peer of this interface; the peer would be lost`;
  return new AgentError('key_is_peer', text);
};

/** The least MTU that IPv6 works with (RFC 8200, section 5): below it the kernel ends IPv6 on the device. */
const IPV6_MTU = 1280;

/** An MTU that ends IPv6 takes the routes of IPv6 peers with it, for good. */
const ipv6HasRoom: ChangeCheck = ({ current, document, desired: { config } }) => {
  const { mtu } = config;
  if (mtu === null || mtu >= IPV6_MTU || mtu === (current.file?.mtu ?? null)) return undefined;
  const ips = [...allowedIpsOf(document), ...(current.device?.peers ?? []).flatMap(({ allowedIps }) => allowedIps)];
  const ipv6 = ips.find(isIpv6);
  if (ipv6 === undefined) return undefined;
  const path = pathOf('mtu');
  const text = `Cannot take the configuration: ${path}: must be at least ${String(IPV6_MTU)} while a peer has the IPv6 network ${ipv6}`;
  return new AgentError('invalid_value', text, { details: [`${path}: must be at least ${String(IPV6_MTU)}`] });
};

/** In this order; the first that fails is what the caller is told. */
export const CHANGE_CHECKS: readonly ChangeCheck[] = [valuesAreValid, ipv6HasRoom, hooksAreAllowed, keyIsNoPeer];

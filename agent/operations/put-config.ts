import type { Changed } from '../apply/audited.ts';
import { apply } from '../apply/engine.ts';
import { type ManagedInterface, warn } from '../apply/managed-interface.ts';
import { type Plan, planFor } from '../apply/plan.ts';
import { preflight } from '../apply/preflight.ts';
import { readSnapshot, type Snapshot } from '../apply/snapshot.ts';
import { AgentError } from '../core/agent-error.ts';
import { isBootUnitEnabled } from '../host/boot-unit.ts';
import { blockedIntents } from '../core/blocked-forward.ts';
import { type Step, stepsAbove } from '../core/plan.ts';
import type { PutConfigResponse, PutConfigBody, PutOptions, WireStep } from '../protocol/messages.ts';
import { canonicalHook } from '../protocol/hooks/canonical.ts';
import { withTeardown, wrongTeardowns } from '../protocol/hooks/teardown.ts';
import { isOutdated, mayOwn, type Owner } from '../protocol/owner.ts';
import { redactKeys, unmarkKeys } from '../protocol/redact.ts';
import { EMPTY_CONFIG, type InterfaceConfig, mapHooks } from '../protocol/wgquick/config.ts';
import { HOOK_NAMES, pathOf } from '../protocol/wgquick/fields.ts';
import { configFromPut } from '../protocol/wgquick/wire.ts';
import type { AgentContext } from './context.ts';
import { digestOf, readBackOf } from './get-config.ts';

/** PUT config: the one way to change an interface. Validated wholly before anything is touched; all of it or nothing. */
export async function putConfig(
  context: AgentContext,
  target: ManagedInterface,
  { body, changed: tellChanged }: { readonly body: PutConfigBody; readonly changed: Changed },
): Promise<PutConfigResponse> {
  const before = await readSnapshot(target);
  const options = body.options ?? {};
  const asked = withOwnKey(configFromPut(body, before.file ?? EMPTY_CONFIG), before, options.keep_key);
  const sent = withKeysOfHost(asked, before);
  const config = asTheFileSays(sent, target, before.file);
  if (config.privateKey === null) {
    const path = 'spec.interface.privateKeySecretRef';
    throw new AgentError('invalid_value', `${path}: private_key must be a private key as \`wg genkey\` prints it`, {
      details: [path],
    });
  }
  const desired = { config, state: options.state ?? (before.device === null ? 'down' : 'up') } as const;
  const digest = (snapshot: Snapshot): string => digestOf(context, target.name, snapshot);
  refuseStranger(options, before);
  if (options.if_digest !== undefined && digest(before) !== options.if_digest) throw moved();
  const plan = planFor(before, { ...desired, remember: options.state !== undefined });
  // What is there already was judged when it came; a no-op runs nothing.
  if (plan.steps.length > 0) await preflight(target, plan);
  refuseImpact(plan, options);
  if (options.dry_run === true) return responseOf(plan, { outageMs: 0, digest: digest(before), changed: false });
  const owner = await claimed(context, target, { options, owner: before.owner });
  const { outageMs, after: applied } = await applyFor(target, plan, { owner, before: before.owner });
  if (plan.steps.length > 0) tellChanged({ plan: plan.steps.map(wireStep), impact: plan.impact });
  const after = { ...applied, owner };
  if (plan.steps.length > 0) warnOfTeardown(target, config);
  if (plan.steps.length > 0 && after.device !== null) warnOfBootUnit(target);
  if (after.device !== null && plan.steps.some(touchesFirewall)) await warnOfBlocked(target, config);
  const changed = plan.steps.length > 0;
  if (options.read_back !== true) return responseOf(plan, { outageMs, digest: digest(after), changed });
  const readBack = readBackOf(context, target.name, after);
  return { ...responseOf(plan, { outageMs, digest: readBack.digest, changed }), after: readBack };
}

/** The interface stays with the object that it was last changed for, whoever else has the key to the agent. */
function refuseStranger({ owner: claim, replaces }: PutOptions, { name, owner }: Snapshot): void {
  if (claim === undefined || owner === null) return;
  if (isOutdated(claim, owner, replaces)) {
    const text = `A later leader (term ${String(owner.term ?? 0)}) has changed ${name} than the one that asks (term ${String(claim.term ?? 0)}); in a cluster that was restored, a new value of the annotation wgnode.dev/take-over helps`;
    throw new AgentError('fenced', text, { details: [String(owner.term ?? 0)] });
  }
  if (mayOwn(claim, owner, replaces)) return;
  const text = `${name} was set up for another object, ${owner.name}, since ${owner.since}; that one must let it go first`;
  throw new AgentError('owned', text, { details: [owner.id] });
}

/** A change that is undone was nobody's. */
async function applyFor(
  target: ManagedInterface,
  plan: Plan,
  { owner, before }: { readonly owner: Owner | null; readonly before: Owner | null },
): ReturnType<typeof apply> {
  try {
    return await apply(target, plan);
  } catch (error) {
    if (owner !== before)
      await target.state.writeOwner(before).catch((failure: unknown) => {
        warn(target, 'whose the interface was before could not be written', failure);
      });
    throw error;
  }
}

/** Whose it is from now on; written down before the change: whoever looks meanwhile sees for whom the host is changed. */
async function claimed(
  { host }: AgentContext,
  target: ManagedInterface,
  { options, owner }: { readonly options: PutOptions; readonly owner: Owner | null },
): Promise<Owner | null> {
  const { owner: claim } = options;
  if (claim === undefined) return owner;
  const isSame =
    owner?.id === claim.id && owner.name === claim.name && owner.cluster === claim.cluster && owner.term === claim.term;
  if (isSame) return owner;
  const since = owner?.id === claim.id ? owner.since : new Date(host.nowMs()).toISOString();
  const next = { ...claim, since };
  await target.state.writeOwner(next);
  return next;
}

/** With the key that the host has, where the caller names it by its public half: it need not travel again. */
function withOwnKey(config: InterfaceConfig, { file }: Snapshot, publicKey: string | undefined): InterfaceConfig {
  if (publicKey === undefined) return config;
  if (file?.privateKey?.publicKey !== publicKey) throw moved();
  const { privateKey: _, ...invalid } = config.invalid;
  return { ...config, privateKey: file.privateKey, invalid };
}

/** Hooks as they were shown, with the keys that stand in those of the host in the place of their marks. */
const withKeysOfHost = (config: InterfaceConfig, { file, running }: Snapshot): InterfaceConfig => {
  const sources = [file, running].flatMap((own) => HOOK_NAMES.flatMap((name) => own?.[name] ?? []));
  return mapHooks(config, (hook, name, index) => {
    const whole = unmarkKeys(hook, sources);
    if (whole !== undefined) return whole;
    const path = `${pathOf(name)}[${String(index)}]`;
    const text = `${path}: \`[key ...]\` stands for a key in a hook of the host, and none there has it; write the key itself`;
    throw new AgentError('invalid_hook', text, { details: [path] });
  });
};

/** Hooks of the grammar as they stand in the file, or else as they shall: plain wg-quick at boot does the same. */
function asTheFileSays(
  config: InterfaceConfig,
  { name: device, host: { hooks } }: ManagedInterface,
  file: InterfaceConfig | null,
): InterfaceConfig {
  if (hooks.mode !== 'grammar') return config;
  const context = { device, allowed: hooks.allowed };
  const same = mapHooks(config, (hook, name) => {
    const own = file?.[name] ?? [];
    if (own.includes(hook)) return hook;
    const canonical = canonicalHook(hook, context)?.line;
    if (canonical === undefined) return hook;
    return own.find((line) => canonicalHook(line, context)?.line === canonical) ?? canonical;
  });
  return withTeardown(same, device);
}

const touchesFirewall = ({ action }: Step): boolean => /^(?:set-firewall|up|restart)$/.test(action);

/** Intents that another table stands against: they are in force, and help nothing. */
async function warnOfBlocked({ name, host, warnings }: ManagedInterface, { firewall }: InterfaceConfig): Promise<void> {
  if (firewall.length === 0) return;
  const { exitCode, stdout } = await host.runner.run('nft', ['-json', 'list', 'ruleset']);
  if (exitCode !== 0) return;
  for (const { name: intent, chain } of blockedIntents(stdout, firewall, name))
    warnings.push(
      `ForwardBlocked: ${intent}: ${chain} drops what none of its rules lets through, and names no device of it; let it through there`,
    );
}

/** Whoever comes first at boot, the other one finds the interface there: the agent takes it as it is, and wg-quick@ fails. */
function warnOfBootUnit({ name, warnings }: ManagedInterface): void {
  if (isBootUnitEnabled(name))
    warnings.push(
      `BootUnitEnabled: wg-quick@${name} brings it up at boot, too; \`systemctl disable wg-quick@${name}\` leaves that to the agent`,
    );
}

/** Lines of a teardown that set up what they should take back: whoever asked is told, and they are written as they are. */
function warnOfTeardown(target: ManagedInterface, config: InterfaceConfig): void {
  for (const { list, line, meant } of wrongTeardowns(config, target.name))
    target.warnings.push(
      `${list}[${String(line)}] sets up anew what it should take back; \`${redactKeys(meant)}\` was meant`,
    );
}

const moved = (): AgentError =>
  new AgentError('digest_mismatch', 'The interface is not what the caller last saw; read it again and decide anew');

function refuseImpact({ steps, impact }: Plan, { max_impact }: PutOptions): void {
  const above = max_impact === undefined ? [] : stepsAbove(steps, max_impact);
  if (max_impact === undefined || above.length === 0) return;
  const details = above.map((step) => `${step.path}: ${step.action} (${step.impact})`);
  throw new AgentError('impact_not_allowed', `The change needs impact ${impact}; the caller allows ${max_impact}`, {
    details,
  });
}

const wireStep = ({ action, path, impact }: Step): WireStep => ({ action, path, impact });

interface Result {
  readonly outageMs: number;
  readonly digest: string;
  readonly changed: boolean;
}

const responseOf = ({ steps, impact }: Plan, { outageMs, digest, changed }: Result): PutConfigResponse => ({
  status: 'success',
  message: 'Interface configuration updated successfully',
  reloaded: changed && steps.some((step) => step.action !== 'write-file'),
  changed,
  plan: steps.map(wireStep),
  impact,
  outage_ms: outageMs,
  digest,
});

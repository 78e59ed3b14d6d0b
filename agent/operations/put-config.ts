import { AgentError } from '../core/agent-error.ts';
import { type Step, stepsAbove } from '../core/plan.ts';
import { apply, type Plan, planFor } from '../host/engine.ts';
import { preflight } from '../host/preflight.ts';
import { readSnapshot, type Snapshot } from '../host/snapshot.ts';
import type { PutConfigAnswer, PutConfigBody, PutOptions, WireStep } from '../protocol/messages.ts';
import { EMPTY_CONFIG } from '../protocol/wgquick/config.ts';
import { configFromPut } from '../protocol/wgquick/wire.ts';
import type { AgentContext } from './context.ts';
import { configAnswer } from './get-config.ts';

/** PUT config: the one way to change an interface. Validated wholly before anything is touched; all of it or nothing. */
export async function putConfig(context: AgentContext, name: string, body: PutConfigBody): Promise<PutConfigAnswer> {
  const { host, settings } = context;
  const before = await readSnapshot(host, name);
  const options = body.options ?? {};
  const config = configFromPut(body, before.file ?? EMPTY_CONFIG);
  if (config.privateKey === null) {
    const path = 'spec.interface.privateKeySecretRef';
    throw new AgentError('invalid_value', `${path}: private_key must be a private key as \`wg genkey\` prints it`, {
      details: [path],
    });
  }
  const desired = { config, state: options.state ?? (before.live === null ? 'down' : 'up') } as const;
  refuseMoved(context, name, before, options);
  const plan = planFor(before, { ...desired, remember: options.state !== undefined });
  // What is there already was judged when it came; a no-op runs nothing.
  if (plan.steps.length > 0) await preflight(host, name, before, { ...desired, hooks: settings.hooks });
  refuseImpact(plan, options);
  const digestOf = (snapshot: Snapshot): string => configAnswer(context, name, snapshot).digest;
  if (options.dry_run === true) return answer(plan, { outageMs: 0, digest: digestOf(before), changed: false });
  const { outageMs, after } = await apply(host, name, plan);
  return answer(plan, { outageMs, digest: digestOf(after), changed: plan.steps.length > 0 });
}

function refuseMoved(context: AgentContext, name: string, before: Snapshot, { if_digest }: PutOptions): void {
  if (if_digest === undefined || configAnswer(context, name, before).digest === if_digest) return;
  throw new AgentError(
    'digest_mismatch',
    'The interface is not what the caller last saw; read it again and decide anew',
  );
}

function refuseImpact({ steps, impact }: Plan, { max_impact }: PutOptions): void {
  const above = max_impact === undefined ? [] : stepsAbove(steps, max_impact);
  if (max_impact === undefined || above.length === 0) return;
  const details = above.map((step) => `${step.path}: ${step.action} (${step.impact})`);
  throw new AgentError('impact_not_allowed', `The change needs impact ${impact}; the caller allows ${max_impact}`, {
    details,
  });
}

const wireStep = ({ action, path, impact }: Step): WireStep => ({ action, path, impact });

interface Outcome {
  readonly outageMs: number;
  readonly digest: string;
  readonly changed: boolean;
}

const answer = ({ steps, impact }: Plan, { outageMs, digest, changed }: Outcome): PutConfigAnswer => ({
  status: 'success',
  message: 'Interface configuration updated successfully',
  reloaded: changed && steps.some((step) => step.action !== 'write-file'),
  changed,
  plan: steps.map(wireStep),
  impact,
  outage_ms: outageMs,
  digest,
});

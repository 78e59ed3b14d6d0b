import { AgentError } from '../core/agent-error.ts';
import type { Step } from '../core/plan.ts';
import { apply, planFor, wantedLive } from '../host/engine.ts';
import { preflight } from '../host/preflight.ts';
import { readSnapshot, type Snapshot } from '../host/snapshot.ts';
import { highestImpact, isAbove } from '../protocol/impact.ts';
import { isPrivateKey } from '../protocol/key.ts';
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
  if (config.privateKey === null || !isPrivateKey(config.privateKey.reveal())) {
    const path = 'spec.interface.privateKeySecretRef';
    throw new AgentError('invalid_value', `${path}: private_key must be a private key as \`wg genkey\` prints it`, {
      details: [path],
    });
  }
  const wanted = wantedLive(config, options.state ?? (before.live === null ? 'down' : 'up'));
  refuseMoved(context, name, before, options);
  const steps = planFor(before, wanted);
  // What is there already was judged when it came; a no-op runs nothing.
  if (steps.length > 0) await preflight(host, name, before, { ...wanted, hooks: settings.hooks });
  refuseImpact(steps, options);
  if (options.dry_run === true) return answer(steps, 0, configAnswer(context, name, before).digest, false);
  const { outageMs } = await apply(host, name, before, { ...wanted, remember: options.state !== undefined });
  const after = steps.length === 0 ? before : await readSnapshot(host, name);
  return answer(steps, outageMs, configAnswer(context, name, after).digest, steps.length > 0);
}

function refuseMoved(context: AgentContext, name: string, before: Snapshot, { if_digest }: PutOptions): void {
  if (if_digest === undefined || configAnswer(context, name, before).digest === if_digest) return;
  throw new AgentError(
    'digest_mismatch',
    'The interface is not what the caller last saw; read it again and decide anew',
  );
}

function refuseImpact(steps: readonly Step[], { max_impact }: PutOptions): void {
  const impact = impactOf(steps);
  if (max_impact === undefined || !isAbove(impact, max_impact)) return;
  const details = steps
    .filter((step) => isAbove(step.impact, max_impact))
    .map((step) => `${step.path}: ${step.action} (${step.impact})`);
  throw new AgentError('impact_not_allowed', `The change needs impact ${impact}; the caller allows ${max_impact}`, {
    details,
  });
}

const impactOf = (steps: readonly Step[]): ReturnType<typeof highestImpact> =>
  highestImpact(steps.map((step) => step.impact));

const wireStep = ({ action, path, impact }: Step): WireStep => ({ action, path, impact });

function answer(steps: readonly Step[], outageMs: number, digest: string, changed: boolean): PutConfigAnswer {
  return {
    status: 'success',
    message: 'Interface configuration updated successfully',
    reloaded: changed && steps.some((step) => step.action !== 'write-file'),
    changed,
    plan: steps.map(wireStep),
    impact: impactOf(steps),
    outage_ms: outageMs,
    digest,
  };
}

import { randomUUID } from 'node:crypto';
import type { PutConfigAnswer } from '../../agent/protocol/messages.ts';
import { putFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Desired } from '../reconcile/desired.ts';
import type { PlanStatus } from '../api/wireguardnode.generated.ts';
import { type Refusal, refusal } from '../reconcile/refusal.ts';
import type { AgentClient, CallOptions } from './agent-client.ts';
import { AgentRefused } from './agent-error.ts';

/** How the agent took a PUT. Unreachable agents throw. */
export type Outcome =
  | { readonly kind: 'applied'; readonly answer: PutConfigAnswer }
  /** Undone; the former tunnel runs, unless the message says otherwise. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'impact-not-allowed' }
  /** The host changed since it was read: read again. */
  | { readonly kind: 'moved' };

export interface PutRequest {
  readonly node: WireGuardNode;
  readonly desired: Desired;
  /** Of the last read; the agent refuses when the host has moved on. */
  readonly digest: string | undefined;
}

const HOOK_CODES = new Set(['hooks_off', 'invalid_hook']);

/** Sends the whole wanted interface. */
export async function put(
  client: AgentClient,
  { node, desired, digest }: PutRequest,
  options: CallOptions,
): Promise<Outcome> {
  const body = {
    ...putFromConfig(desired.config),
    options: {
      state: desired.state,
      max_impact: node.spec.management.maxImpact,
      request_id: randomUUID(),
      ...(digest === undefined ? {} : { if_digest: digest }),
    },
  };
  try {
    return { kind: 'applied', answer: await client.putConfig(node.spec.interface.name, body, options) };
  } catch (error) {
    if (error instanceof AgentRefused) return outcomeOf(error);
    throw error;
  }
}

/** What the agent would do; changes nothing. A configuration that it would refuse gives the refusal. */
export async function dryRun(
  client: AgentClient,
  { node, desired }: PutRequest,
  options: CallOptions,
): Promise<PlanStatus | Refusal> {
  const body = {
    ...putFromConfig(desired.config),
    options: { state: desired.state, dry_run: true, request_id: randomUUID() },
  };
  try {
    const { impact, plan } = await client.putConfig(node.spec.interface.name, body, options);
    return {
      impact,
      steps: plan.slice(0, 128).map(({ action, path, impact: own }) => ({ action, path, impact: own })),
    };
  } catch (error) {
    if (error instanceof AgentRefused) return refusalOf(error);
    throw error;
  }
}

function outcomeOf(error: AgentRefused): Outcome {
  switch (error.agentCode) {
    case 'apply_failed':
      return { kind: 'failed', message: error.message };
    case 'impact_not_allowed':
      return { kind: 'impact-not-allowed' };
    case 'digest_mismatch':
      return { kind: 'moved' };
    default:
      return { kind: 'refused', refusal: refusalOf(error) };
  }
}

/** A refusal as the object says it; also for reads, which an agent refuses for a device that is not WireGuard. */
export const refusalOf = (error: AgentRefused): Refusal =>
  refusal(
    HOOK_CODES.has(error.agentCode) ? 'HookNotAllowed' : 'ConfigRefused',
    `The agent refuses (${error.agentCode}): ${error.message}`,
  );

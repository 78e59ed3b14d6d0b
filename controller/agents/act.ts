import { randomUUID } from 'node:crypto';
import type { PutConfigAnswer } from '../../agent/protocol/messages.ts';
import { putFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Desired } from '../reconcile/desired.ts';
import type { PlanStatus } from '../api/wireguardnode.generated.ts';
import { type Refusal, refusal } from '../reconcile/refusal.ts';
import type { AgentClient, CallOptions } from './agent-client.ts';
import { AgentRefused } from './agent-error.ts';
import { MEANING } from './answer-meaning.ts';

/** How the agent took a PUT. Unreachable agents throw. */
export type PutResponse =
  | { readonly kind: 'applied'; readonly answer: PutConfigAnswer }
  /** `restored`: undone, and the previous tunnel runs, proven by the agent's read-back; false = what is left is of both. */
  | { readonly kind: 'failed'; readonly message: string; readonly restored: boolean }
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

/** Sends the whole wanted interface. */
export async function put(
  client: AgentClient,
  { node, desired, digest }: PutRequest,
  options: CallOptions,
): Promise<PutResponse> {
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
    if (error instanceof AgentRefused) return responseOf(error);
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

function responseOf(error: AgentRefused): PutResponse {
  const meaning = MEANING[error.agentCode];
  switch (meaning.kind) {
    case 'apply-failed':
      return { kind: 'failed', message: error.message, restored: error.rolledBack !== false };
    case 'impact-not-allowed':
    case 'moved':
      return { kind: meaning.kind };
    case 'refused':
    case 'unreachable':
      return { kind: 'refused', refusal: refusalOf(error) };
  }
}

/** A refusal as the object says it; also for reads, which an agent refuses for a device that is not WireGuard. */
export function refusalOf(error: AgentRefused): Refusal {
  const meaning = MEANING[error.agentCode];
  const reason = meaning.kind === 'refused' ? meaning.reason : 'ConfigRefused';
  return refusal(reason, `The agent refuses (${error.agentCode}): ${error.message}`);
}

import { conditionOf, isRetryable } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { delayAfter } from '../runtime/backoff.ts';
import type { Outcome } from './outcome.ts';

export interface NextInput {
  readonly node: WireGuardNode;
  readonly outcome: Outcome;
  /** Failures in a row, this one included. */
  readonly failures: number;
  readonly nowMs: number;
  readonly random: () => number;
}

const FRESH_MS = 10 * 60 * 1000;
const FRESH_CAP_MS = 30_000;
const FAILED_CAP_MS = 5 * 60 * 1000;
const BASE_MS = 500;
/** A human must act, and a watch tells us when: the slow poll is a backstop. */
const SLOW_FACTOR = 5;

/** Delay until the object is looked at again by itself, ms; undefined = only a change wakes it. */
export function nextAttemptMs({ node, outcome, failures, nowMs, random }: NextInput): number | undefined {
  const intervalMs = node.spec.management.intervalSeconds * 1000;
  switch (outcome.kind) {
    case 'suspended':
      return undefined;
    case 'refused':
    case 'contended':
      return SLOW_FACTOR * intervalMs;
    // The agent brings the host back before its next change: that must not wait for a person.
    case 'not-restored':
    case 'apply-failed':
      return delayAfter(failures, { baseMs: BASE_MS, capMs: FAILED_CAP_MS, random });
    case 'unreachable': {
      if (!isRetryable(outcome.rung)) return SLOW_FACTOR * intervalMs;
      const lost = conditionOf(node.status.conditions, 'Reachable');
      const lostMs = lost?.status === 'False' ? nowMs - Date.parse(lost.lastTransitionTime) : 0;
      const delayMs =
        lostMs < FRESH_MS ? delayAfter(failures, { baseMs: BASE_MS, capMs: FRESH_CAP_MS, random }) : intervalMs;
      return Math.max(delayMs, outcome.retryAfterMs ?? 0);
    }
    case 'applying':
    case 'in-sync':
    case 'drifted':
    case 'impact-not-allowed':
      return spread(node.metadata.uid, intervalMs, nowMs);
  }
}

/** The rest of the object's own interval: where in it the check falls is made from the UID, so that a fleet never checks in waves. */
function spread(uid: string, intervalMs: number, nowMs: number): number {
  const phase = Number.parseInt(uid.replaceAll('-', '').slice(0, 8), 16) % intervalMs;
  const rest = intervalMs - ((((nowMs - phase) % intervalMs) + intervalMs) % intervalMs);
  return rest < intervalMs / 10 ? rest + intervalMs : rest;
}

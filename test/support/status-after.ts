import type { WireGuardNode, WireGuardNodeStatus } from '../../controller/api/wireguardnode.generated.ts';
import { desired } from '../../controller/reconcile/desired.ts';
import { type Attempt, statusOf } from '../../controller/reconcile/status.ts';
import type { Change, Outcome } from '../../controller/reconcile/outcome.ts';
import { KEY, NOW_MS, seen } from './seen-host.ts';

export const change: Change = { cause: 'SpecChanged', impact: 'Restart', outageMs: 120, corrected: [] };
export const inSync = (node: WireGuardNode, over: Partial<Outcome & { kind: 'in-sync' }> = {}): Outcome => ({
  kind: 'in-sync',
  seen,
  desired: desired(node, KEY),
  change: undefined,
  ...over,
});
export const refused: Outcome = { kind: 'refused', refusal: { reason: 'InvalidKey', message: 'bad' } };
export const unreachable = {
  kind: 'unreachable',
  rung: 'ConnectionRefused',
  message: 'nothing listens',
} satisfies Outcome;

interface Options {
  readonly nowMs?: number;
  readonly request?: string;
  readonly attempt?: Attempt;
}

export const statusAfter = (
  node: WireGuardNode,
  outcome: Outcome,
  { nowMs = NOW_MS, request, attempt = { failures: 0, nextMs: undefined } }: Options = {},
): WireGuardNodeStatus => statusOf({ node, outcome, nowMs, request, attempt });

export const withStatus = (node: WireGuardNode, status: WireGuardNodeStatus): WireGuardNode => ({ ...node, status });

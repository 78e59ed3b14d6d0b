import type { WireGuardNode, WireGuardNodeStatus } from '../../controller/api/wireguardnode.generated.ts';
import { desired } from '../../controller/reconcile/desired.ts';
import { type Attempt, statusOf } from '../../controller/reconcile/status.ts';
import type { Change, Verdict } from '../../controller/reconcile/verdict.ts';
import { KEY, NOW_MS, seen } from './seen-host.ts';

export const change: Change = { cause: 'SpecChanged', impact: 'Restart', outageMs: 120, corrected: [] };
export const inSync = (node: WireGuardNode, over: Partial<Verdict & { kind: 'in-sync' }> = {}): Verdict => ({
  kind: 'in-sync',
  seen,
  desired: desired(node, KEY),
  change: undefined,
  ...over,
});
export const refused: Verdict = { kind: 'refused', refusal: { reason: 'InvalidKey', message: 'bad' } };
export const unreachable = {
  kind: 'unreachable',
  rung: 'ConnectionRefused',
  message: 'nothing listens',
} satisfies Verdict;

interface Options {
  readonly nowMs?: number;
  readonly request?: string;
  readonly attempt?: Attempt;
}

export const statusAfter = (
  node: WireGuardNode,
  verdict: Verdict,
  { nowMs = NOW_MS, request, attempt = { failures: 0, nextMs: undefined } }: Options = {},
): WireGuardNodeStatus => statusOf({ node, verdict, nowMs, request, attempt });

export const withStatus = (node: WireGuardNode, status: WireGuardNodeStatus): WireGuardNode => ({ ...node, status });

import type { WireGuardNode, WireGuardNodeStatus } from '../../controller/api/wireguardnode.generated.ts';
import { desired } from '../../controller/policy/desired.ts';
import { type Attempt, statusOf } from '../../controller/policy/status.ts';
import type { Change, Outcome } from '../../controller/policy/outcome.ts';
import { KEY_PAIR, NOW_MS, observation } from './observed-host.ts';

export const change: Change = { cause: 'SpecChanged', impact: 'Restart', outageMs: 120, corrected: [], warnings: [] };
export const inSync = (node: WireGuardNode, over: Partial<Outcome & { kind: 'in-sync' }> = {}): Outcome => ({
  kind: 'in-sync',
  observation,
  desired: desired(node, KEY_PAIR),
  change: undefined,
  ...over,
});
export const refused: Outcome = { kind: 'refused', refusal: { reason: 'InvalidKey', message: 'bad' } };
export const unreachable = {
  kind: 'unreachable',
  reason: 'ConnectionRefused',
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

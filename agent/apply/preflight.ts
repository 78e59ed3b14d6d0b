import { CHANGE_CHECKS } from '../core/change-checks.ts';
import { HOST_CHECKS } from './host-checks.ts';
import type { ManagedInterface } from './managed-interface.ts';
import type { Plan } from './plan.ts';
import { currentOf } from './snapshot.ts';

/** Throws AgentError when a plan cannot or must not be carried out. Called before anything is touched; leaves no trace. */
export async function preflight(target: ManagedInterface, { before, desired, steps }: Plan): Promise<void> {
  const { name, host } = target;
  const proposal = { name, current: currentOf(before), document: before.document, desired, hooks: host.hooks };
  for (const check of CHANGE_CHECKS) {
    const refusal = check(proposal);
    if (refusal !== undefined) throw refusal;
  }
  for (const check of HOST_CHECKS) await check(target, proposal, steps);
}

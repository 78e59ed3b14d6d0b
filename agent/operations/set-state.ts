import { apply } from '../apply/engine.ts';
import { bringDown, forgetOlderLife } from '../apply/lifecycle.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { planFor } from '../apply/plan.ts';
import { readSnapshot, type Snapshot } from '../apply/snapshot.ts';
import { AgentError } from '../core/agent-error.ts';

interface EnableResponse {
  readonly status: 'success';
  readonly message: string;
  readonly was_down: boolean;
}

interface DisableResponse {
  readonly status: 'success';
  readonly message: string;
  readonly was_up: boolean;
}

/** POST enable: up from the file as it stands. */
export async function enable(target: ManagedInterface): Promise<EnableResponse> {
  const before = await readSnapshot(target);
  const wasDown = before.device === null;
  if (before.file === null && wasDown) {
    throw new AgentError('not_found', `Failed to enable interface: no configuration file ${target.path}`);
  }
  const config = before.file ?? before.running;
  // A link that somebody set down carries nothing: it is not up yet. A device without a file is somebody else's, and gets none here.
  const isUp = before.device !== null && (before.device.linkUp || before.file === null);
  if (isUp) await target.state.writeDesired('up');
  else await apply(target, planFor(before, { config, state: 'up', remember: true }));
  const message = wasDown ? `Interface ${target.name} enabled successfully` : `Interface ${target.name} is already up`;
  return { status: 'success', message, was_down: wasDown };
}

/** POST disable: down with the hooks that it was brought up with; fine when it is down or never existed. */
export async function disable(target: ManagedInterface): Promise<DisableResponse> {
  const before = await readSnapshot(target);
  const wasUp = before.device !== null;
  if (!wasUp) {
    // Its device may have gone without us: what its hooks set up, and a port that is held elsewhere, go now.
    await forgetOlderLife(target);
    await target.state.writeDesired(before.file === null ? null : 'down');
  } else if (before.file !== null)
    await apply(target, planFor(before, { config: before.file, state: 'down', remember: true }));
  else await takeDownOurs(target, before);
  const message = wasUp ? `Interface ${target.name} disabled successfully` : `Interface ${target.name} is already down`;
  return { status: 'success', message, was_up: wasUp };
}

/** A device without a file is ours only if we brought it up; those of networkd or of people are left alone. */
export async function takeDownOurs(target: ManagedInterface, { runningText, device }: Snapshot): Promise<void> {
  if (runningText === null) {
    const text = `Failed to disable interface: ${target.name} has no configuration file and was not brought up by this agent; it is left alone`;
    throw new AgentError('not_found', text);
  }
  await bringDown(target, device);
  await target.state.writeDesired(null);
}

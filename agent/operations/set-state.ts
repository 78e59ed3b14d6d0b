import { AgentError } from '../core/agent-error.ts';
import { apply, planFor } from '../host/engine.ts';
import type { Host } from '../host/host.ts';
import { bringDown } from '../host/lifecycle.ts';
import { readSnapshot, type Snapshot } from '../host/snapshot.ts';
import type { AgentContext } from './context.ts';

interface EnableAnswer {
  readonly status: 'success';
  readonly message: string;
  readonly was_down: boolean;
}

interface DisableAnswer {
  readonly status: 'success';
  readonly message: string;
  readonly was_up: boolean;
}

/** POST enable: up from the file as it stands. */
export async function enable(context: AgentContext, name: string): Promise<EnableAnswer> {
  const before = await readSnapshot(context.host, name);
  const wasDown = before.live === null;
  if (before.file === null && wasDown) {
    throw new AgentError(
      'not_found',
      `Failed to enable interface: no configuration file ${context.host.configPath(name)}`,
    );
  }
  const file = before.file ?? before.running;
  if (wasDown) await apply(context.host, name, planFor(before, { config: file, state: 'up', remember: true }));
  else await context.host.state.writeWanted(name, 'up');
  const message = wasDown ? `Interface ${name} enabled successfully` : `Interface ${name} is already up`;
  return { status: 'success', message, was_down: wasDown };
}

/** POST disable: down with the hooks that it was brought up with; fine when it is down or never existed. */
export async function disable(context: AgentContext, name: string): Promise<DisableAnswer> {
  const { host } = context;
  const before = await readSnapshot(host, name);
  const wasUp = before.live !== null;
  if (!wasUp) await host.state.writeWanted(name, before.file === null ? null : 'down');
  else if (before.file !== null)
    await apply(host, name, planFor(before, { config: before.file, state: 'down', remember: true }));
  else await takeDownOurs(host, name, before);
  const message = wasUp ? `Interface ${name} disabled successfully` : `Interface ${name} is already down`;
  return { status: 'success', message, was_up: wasUp };
}

/** A device without a file is ours only if we brought it up; those of networkd or of people are left alone. */
export async function takeDownOurs(host: Host, name: string, { runningText }: Snapshot): Promise<void> {
  if (runningText === null) {
    const text = `Failed to disable interface: ${name} has no configuration file and was not brought up by this agent; it is left alone`;
    throw new AgentError('not_found', text);
  }
  await bringDown(host, name);
  await host.state.writeWanted(name, null);
}

import { AgentError } from '../core/agent-error.ts';
import { apply, wantedLive } from '../host/engine.ts';
import { readSnapshot } from '../host/snapshot.ts';
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
  if (wasDown && before.file !== null) await apply(context.host, name, before, wantedLive(before.file, 'up'));
  else await context.host.state.writeWanted(name, 'up');
  const message = wasDown ? `Interface ${name} enabled successfully` : `Interface ${name} is already up`;
  return { status: 'success', message, was_down: wasDown };
}

/** POST disable: down with the hooks that it was brought up with; fine when it is down or never existed. */
export async function disable(context: AgentContext, name: string): Promise<DisableAnswer> {
  const before = await readSnapshot(context.host, name);
  const wasUp = before.live !== null;
  if (wasUp) await apply(context.host, name, before, wantedLive(before.file ?? before.running, 'down'));
  else await context.host.state.writeWanted(name, before.file === null ? null : 'down');
  const message = wasUp ? `Interface ${name} disabled successfully` : `Interface ${name} is already down`;
  return { status: 'success', message, was_up: wasUp };
}

import { AgentError } from '../core/agent-error.ts';
import type { Host } from '../host/host.ts';
import type { InterfaceLock } from '../http/interface-lock.ts';
import { INTERFACE_NAME_RULE, isInterfaceName } from '../protocol/interface-name.ts';
import type { AgentSettings } from '../settings.ts';

/** What every operation works with. */
export interface AgentContext {
  readonly host: Host;
  readonly settings: AgentSettings;
  readonly lock: InterfaceLock;
  readonly version: string;
}

/** The interface name of a request, judged before anything is read or run. */
export function interfaceName(context: AgentContext, name: string): string {
  if (!isInterfaceName(name)) {
    throw new AgentError(
      'bad_request',
      `The interface name ${JSON.stringify(name.slice(0, 32))} ${INTERFACE_NAME_RULE}`,
    );
  }
  const { interfaces } = context.settings;
  if (interfaces !== null && !interfaces.includes(name)) {
    throw new AgentError(
      'interface_not_allowed',
      `The agent's own policy (interfaces) does not let ${name} be managed`,
    );
  }
  return name;
}

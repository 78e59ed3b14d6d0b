import type { Interfaces, ManagedInterface } from '../apply/managed-interface.ts';
import type { Backends } from '../backend/backend.ts';
import { AgentError } from '../core/agent-error.ts';
import { AGENT_ITSELF, type Caller } from '../core/audit-record.ts';
import type { Host } from '../host/host.ts';
import { INTERFACE_NAME_RULE, isInterfaceName } from '../protocol/interface-name.ts';
import type { AgentSettings } from '../settings.ts';
import type { ConfigCache } from './config-cache.ts';

/** What an operation that reads works with. */
export interface ReadContext {
  readonly host: Host;
  readonly backends: Backends;
  readonly interfaces: Interfaces;
  readonly settings: AgentSettings;
  readonly version: string;
}

/** What every operation works with. */
export interface AgentContext extends ReadContext {
  readonly configs: ConfigCache;
}

/** The interface that a request names, whether it exists or not; its name is judged before anything is read or run. */
export function openInterface(
  { interfaces, settings }: AgentContext,
  name: string,
  caller: Caller = AGENT_ITSELF,
): ManagedInterface {
  if (!isInterfaceName(name)) {
    throw new AgentError(
      'bad_request',
      `The interface name ${JSON.stringify(name.slice(0, 32))} ${INTERFACE_NAME_RULE}`,
    );
  }
  if (settings.interfaces !== null && !settings.interfaces.includes(name)) {
    throw new AgentError(
      'interface_not_allowed',
      `The agent's own policy (interfaces) does not let ${name} be managed`,
    );
  }
  return interfaces.open(name, caller);
}

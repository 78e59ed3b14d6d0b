import { interfaceOf, parseDocument } from '../../agent/protocol/wgquick/document.ts';
import { putFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import type { PutConfigBody } from '../../agent/protocol/messages.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { type AgentClient, createAgentClient } from '../../controller/drivers/wgnode/agent-client.ts';
import { createUrlGuard } from '../../controller/drivers/http/url-guard.ts';
import { INTERFACE } from './fleet.ts';
import type { LabHost } from './lab/start-host.ts';

export const CALL = { timeoutMs: 120_000, signal: new AbortController().signal };

/** The controller's own client for the agent of a lab host. */
export const clientOf = (host: LabHost): AgentClient =>
  createAgentClient({
    address: {
      origin: host.agentUrl,
      hmacKeys: [new Secret(host.hmacKey)],
      tls: { ca: host.caPem, cert: undefined, key: undefined, serverName: undefined, pins: [] },
    },
    guard: createUrlGuard({ allow: ['10.231.0.0/16'], deny: [] }),
    now: Date.now,
    called: () => undefined,
  });

/** A PUT of what the host's file says, changed by `change`, that wants the interface up. */
export async function putBodyOf(host: LabHost, change: Partial<PutConfigBody>): Promise<PutConfigBody> {
  const config = interfaceOf(parseDocument(await host.readFile(`/etc/wireguard/${INTERFACE}.conf`)));
  const requestId = String(process.hrtime.bigint());
  return { ...putFromConfig(config), ...change, options: { state: 'up', request_id: requestId } };
}

import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { AgentClient } from '../../controller/drivers/wgnode/agent-client.ts';
import { clientOf } from './agent-client.ts';
import type { LabHost } from './lab/start-host.ts';
import { type Lab, startLab } from './lab/start-lab.ts';

/** One host with an agent and no controller; each test finds it empty. What is here is there once the tests run. */
export interface LoneHost {
  readonly lab: Lab;
  readonly host: LabHost;
  readonly client: AgentClient;
  /** Runs a bash script on the host, which must succeed; its output. */
  readonly sh: (script: string) => Promise<string>;
}

/**
 * `clean`: a bash script that takes away what the tests leave beside files and state; its failures say nothing. `env`: of the agent.
 */
export function useLoneHost(clean: string, env: Readonly<Record<string, string>> = {}): LoneHost {
  let lab: Lab | undefined;
  let client: AgentClient | undefined;
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The lab is not there before the tests run');
    return value;
  };
  const host = (): LabHost => there(lab).host('alpha');
  beforeAll(async () => {
    lab = await startLab({ hosts: ['alpha'] });
    await lab.kube.install();
  });
  afterAll(() => there(lab).stop());
  beforeEach(async () => {
    await host().agent.start(env);
    client = clientOf(host());
  });
  afterEach(async () => {
    await there(client).close();
    await host().agent.stop();
    await host().exec(['bash', '-c', `${clean}; rm -rf /etc/wireguard/* /var/lib/wgnode/*`]);
  });
  return {
    get lab() {
      return there(lab);
    },
    get host() {
      return host();
    },
    get client() {
      return there(client);
    },
    sh: (script) => host().mustExec(['bash', '-c', script]),
  };
}

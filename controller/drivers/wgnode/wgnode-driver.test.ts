import type { ErrorCode } from '../../../agent/protocol/errors.ts';
import { describe, expect, test } from '@jest/globals';
import type {
  ConfigResponse,
  HealthResponse,
  PutConfigResponse,
  PutConfigBody,
} from '../../../agent/protocol/messages.ts';
import { EMPTY_CONFIG } from '../../../agent/protocol/wgquick/config.ts';
import { specFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import type { Observation } from '../../policy/observation.ts';
import type { Observed } from '../driver.ts';
import type { AgentClient, ConfigRead } from './agent-client.ts';
import { AgentRefused, AgentUnreachable } from './agent-error.ts';
import { observationOf } from './observation.ts';
import { WgnodeDriver } from './wgnode-driver.ts';

const HEALTH: HealthResponse = { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0', name: 'wgnode-agent' };
const OPTIONS = { timeoutMs: 1_000, signal: new AbortController().signal };

const responseWith = (digest: string): ConfigResponse => ({
  interface: 'wg0',
  config: {
    ...{ private_key: null, listen_port: null, address: null, post_up: null, pre_down: null },
    ...{ mtu: null, dns: null, table: null, raw_config: '' },
  },
  spec: specFromConfig(EMPTY_CONFIG, false),
  live: null,
  state: 'down',
  public_key: null,
  live_public_key: null,
  unmanaged: [],
  drift: [],
  digest,
});

/** An agent with one interface or none, which answers conditional reads as ours does. */
class ModelAgent implements AgentClient {
  configResponse: ConfigResponse | undefined = responseWith('a');
  healthResponse = HEALTH;
  /** Thrown instead of an answer to the call of this name. */
  readonly failures = new Map<'health' | 'read' | 'put', Error>();
  readonly asked: string[] = [];
  readonly puts: PutConfigBody[] = [];

  health(): Promise<HealthResponse> {
    this.asked.push('health');
    const failure = this.failures.get('health');
    return failure === undefined ? Promise.resolve(this.healthResponse) : Promise.reject(failure);
  }

  readConfig(name: string, etag: string | undefined): Promise<ConfigRead> {
    this.asked.push(`read ${name} ${etag ?? 'whole'}`);
    const failure = this.failures.get('read');
    if (failure !== undefined) return Promise.reject(failure);
    if (this.configResponse === undefined) return Promise.resolve({ kind: 'absent' });
    const { digest } = this.configResponse;
    if (`"${digest}"` === etag) return Promise.resolve({ kind: 'unchanged' });
    return Promise.resolve({ kind: 'present', response: this.configResponse, etag: `"${digest}"` });
  }

  /** Answers with a plan of 200 steps. */
  putConfig(_name: string, body: PutConfigBody): Promise<PutConfigResponse> {
    this.puts.push(body);
    const failure = this.failures.get('put');
    if (failure !== undefined) return Promise.reject(failure);
    const step = { action: 'set-mtu', path: 'spec.interface.mtu', impact: 'None' } as const;
    const response = { status: 'success', message: '', reloaded: false, changed: false, digest: 'a' } as const;
    return Promise.resolve({ ...response, plan: Array(200).fill(step), impact: 'None', outage_ms: 0 });
  }
  setState(): Promise<never> {
    throw new Error('A look changes nothing');
  }
  remove(): Promise<never> {
    throw new Error('A look changes nothing');
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

const unreachable = new AgentUnreachable('ConnectionTimeout', 'no answer', undefined, 7_000);

const look = (agent: AgentClient, previous?: Observation): Promise<Observed> =>
  new WgnodeDriver(agent, 'wg0', 'https://fra1.example.net:8443').observe(previous, OPTIONS);

const observed = (response: ConfigResponse | undefined, health = HEALTH): Observed => ({
  kind: 'observed',
  observation: observationOf(
    health,
    response === undefined ? { kind: 'absent' } : { kind: 'present', response, etag: `"${response.digest}"` },
  ),
});

/** An agent that was looked at once, and what was seen. */
async function seenOnce(prepare: (agent: ModelAgent) => void = () => undefined): Promise<{
  agent: ModelAgent;
  previous: Observation;
}> {
  const agent = new ModelAgent();
  prepare(agent);
  const first = await look(agent);
  if (first.kind !== 'observed') throw new Error(`Wanted an observation, got ${first.kind}`);
  agent.asked.length = 0;
  return { agent, previous: first.observation };
}

describe('the first look', () => {
  test('asks who the agent is, then for the whole interface', async () => {
    const agent = new ModelAgent();
    expect(await look(agent)).toEqual(observed(responseWith('a')));
    expect(agent.asked).toEqual(['health', 'read wg0 whole']);
  });

  test('of a host with neither file nor device sees that it has none', async () => {
    const agent = new ModelAgent();
    agent.configResponse = undefined;
    expect(await look(agent)).toEqual(observed(undefined));
  });

  test.each([
    { name: 'an agent of another make', health: { ...HEALTH, name: 'other-agent' } },
    { name: 'an agent that says no name', health: { status: 'ok', timestamp: 0, uptime: 1, version: '1' } as const },
  ])('of $name is the refusal Unsupported, and nothing more is asked of it', async ({ health }) => {
    const agent = new ModelAgent();
    agent.healthResponse = health;
    expect(await look(agent)).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
    expect(agent.asked).toEqual(['health']);
  });
});

describe('a later look', () => {
  test('at a host on which nothing moved asks for that alone, and gives back what was seen', async () => {
    const { agent, previous } = await seenOnce();
    for (let round = 0; round < 3; round += 1) {
      const again = await look(agent, previous);
      expect(again.kind === 'observed' && again.observation === previous).toBe(true);
    }
    expect(agent.asked).toEqual(Array(3).fill('read wg0 "a"'));
  });

  test('at a host that moved asks anew who the agent is', async () => {
    const { agent, previous } = await seenOnce();
    agent.configResponse = responseWith('b');
    agent.healthResponse = { ...HEALTH, epoch: 'another' };
    expect(await look(agent, previous)).toEqual(observed(responseWith('b'), agent.healthResponse));
    expect(agent.asked).toEqual(['read wg0 "a"', 'health']);
  });

  test('at an interface that went sees it gone', async () => {
    const { agent, previous } = await seenOnce();
    agent.configResponse = undefined;
    expect(await look(agent, previous)).toEqual(observed(undefined));
  });

  test('at an interface that was not there has nothing to compare with', async () => {
    const { agent, previous } = await seenOnce((each) => {
      each.configResponse = undefined;
    });
    agent.configResponse = responseWith('b');
    expect(await look(agent, previous)).toEqual(observed(responseWith('b')));
    expect(agent.asked).toEqual(['health', 'read wg0 whole']);
  });

  test('at a host behind which another agent stands now is no look at ours', async () => {
    const { agent, previous } = await seenOnce();
    agent.configResponse = responseWith('b');
    agent.healthResponse = { ...HEALTH, name: 'other-agent' };
    expect(await look(agent, previous)).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
  });
});

describe('an agent that knows no firewall intents', () => {
  const desired = { config: EMPTY_CONFIG, state: 'down' } as const;
  const firewall = [{ name: 'mss', type: 'MSSClamp' }] as const;

  test('gets a PUT without them, as it takes no field that it does not know', async () => {
    const { agent } = await seenOnce();
    const driver = new WgnodeDriver(agent, 'wg0', 'https://fra1.example.net');
    await driver.observe(undefined, OPTIONS);
    await driver.plan(desired, OPTIONS);
    expect(agent.puts[0]).not.toHaveProperty('firewall');
    expect(await driver.plan({ ...desired, config: { ...EMPTY_CONFIG, firewall } }, OPTIONS)).toMatchObject({
      kind: 'refused',
      refusal: { reason: 'Unsupported' },
    });
    expect(agent.puts).toHaveLength(1);
  });

  test('and one that does gets them, be there none', async () => {
    const { agent } = await seenOnce((each) => {
      each.healthResponse = { ...HEALTH, capabilities: ['firewall'] };
    });
    const driver = new WgnodeDriver(agent, 'wg0', 'https://fra1.example.net');
    await driver.observe(undefined, OPTIONS);
    await driver.plan(desired, OPTIONS);
    await driver.plan({ ...desired, config: { ...EMPTY_CONFIG, firewall } }, OPTIONS);
    expect(agent.puts.map((body) => body.firewall)).toEqual([[], firewall]);
  });
});

describe('what is expected to fail is a value', () => {
  test.each(['read', 'health'] as const)('an agent that cannot be reached at %s', async (fails) => {
    const { agent, previous } = await seenOnce();
    agent.configResponse = responseWith('b');
    agent.failures.set(fails, unreachable);
    expect(await look(agent, previous)).toEqual({
      kind: 'unreachable',
      reason: 'ConnectionTimeout',
      message: 'no answer',
      retryAfterMs: 7_000,
    });
  });

  test('an agent that will not let its interface be read', async () => {
    const { agent, previous } = await seenOnce();
    agent.failures.set('read', refusedBy('not_wireguard'));
    expect(await look(agent, previous)).toMatchObject({ kind: 'refused', refusal: { reason: 'ConfigRefused' } });
  });

  test('a failure of our own is thrown', async () => {
    const agent = new ModelAgent();
    const error = new TypeError('a bug');
    agent.failures.set('health', error);
    await expect(look(agent)).rejects.toBe(error);
  });

  test.each<{ code: ErrorCode; rolledBack?: boolean; expected: object }>([
    { code: 'apply_failed', expected: { kind: 'failed', restored: true } },
    { code: 'apply_failed', rolledBack: true, expected: { kind: 'failed', restored: true } },
    { code: 'apply_failed', rolledBack: false, expected: { kind: 'failed', restored: false } },
    { code: 'impact_not_allowed', expected: { kind: 'impact-not-allowed' } },
    { code: 'digest_mismatch', expected: { kind: 'superseded' } },
    { code: 'invalid_value', expected: { kind: 'refused', refusal: { reason: 'ConfigRefused' } } },
    { code: 'hooks_off', expected: { kind: 'refused', refusal: { reason: 'HookNotAllowed' } } },
    { code: 'invalid_hook', expected: { kind: 'refused', refusal: { reason: 'HookNotAllowed' } } },
    { code: 'interface_not_allowed', expected: { kind: 'refused', refusal: { reason: 'ConfigRefused' } } },
  ])('an apply that the agent answers with $code', async ({ code, rolledBack, expected }) => {
    const agent = new ModelAgent();
    agent.failures.set('put', refusedBy(code, rolledBack));
    const driver = new WgnodeDriver(agent, 'wg0', 'https://fra1.example.net:8443');
    const desired = { config: EMPTY_CONFIG, state: 'up' } as const;
    const limits = { revision: 'a', maxImpact: 'Restart' } as const;
    expect(await driver.apply(desired, { ...OPTIONS, ...limits })).toMatchObject(expected);
    expect(agent.puts).toMatchObject([{ options: { state: 'up', if_digest: 'a', max_impact: 'Restart' } }]);
  });

  function refusedBy(agentCode: ErrorCode, rolledBack?: boolean): AgentRefused {
    return new AgentRefused('no', { status: 422, agentCode, details: [], rolledBack });
  }
});

test('a plan changes nothing, and has at most as many steps as status has room for', async () => {
  const agent = new ModelAgent();
  const driver = new WgnodeDriver(agent, 'wg0', 'https://fra1.example.net:8443');
  const planned = await driver.plan({ config: EMPTY_CONFIG, state: 'up' }, OPTIONS);
  expect(planned.kind === 'planned' && planned.plan.steps.length).toBe(128);
  expect(agent.puts).toMatchObject([{ options: { dry_run: true } }]);
});

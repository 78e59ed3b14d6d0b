import type { ErrorCode } from '../../../agent/protocol/errors.ts';
import { describe, expect, test } from '@jest/globals';
import type {
  ConfigResponse,
  DumpResponse,
  HealthResponse,
  PutConfigResponse,
  PutConfigBody,
} from '../../../agent/protocol/messages.ts';
import { EMPTY_CONFIG } from '../../../agent/protocol/wgquick/config.ts';
import { specFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import type { Applied, ApplyOptions, Observed } from '../driver.ts';
import type { AgentClient, ConfigRead } from './agent-client.ts';
import { AgentUnreachable } from '../http/agent-failure.ts';
import { AgentRefused } from './agent-refused.ts';
import { observationOf } from './observation.ts';
import { WgnodeDriver } from './wgnode-driver.ts';

const HEALTH: HealthResponse = { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0', name: 'wgnode-agent' };
const OPTIONS = { timeoutMs: 1_000, signal: new AbortController().signal };

const CLAIM = { id: 'uid-1', name: 'edge/fra1-wg0', cluster: 'cluster-1', term: 3 };
const LIMITS: ApplyOptions = {
  ...OPTIONS,
  ...{ revision: 'a', maxImpact: 'Restart', claim: CLAIM, replaces: undefined },
};

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
  certificateNotAfterMs: number | undefined;
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

  /** Undefined = there is no device. */
  dumpResponse: DumpResponse | undefined;

  dump(): Promise<DumpResponse | undefined> {
    return Promise.resolve(this.dumpResponse);
  }

  /** What an answer to a PUT shows of the host after it. */
  after: ConfigResponse | undefined;

  /** Answers with a plan of 200 steps. */
  putConfig(_name: string, body: PutConfigBody): Promise<PutConfigResponse> {
    this.puts.push(body);
    const failure = this.failures.get('put');
    if (failure !== undefined) return Promise.reject(failure);
    const step = { action: 'set-mtu', path: 'spec.interface.mtu', impact: 'None' } as const;
    const response = { status: 'success', message: '', reloaded: false, changed: false, digest: 'a' } as const;
    const { after } = this;
    const shown = after === undefined ? {} : { after };
    return Promise.resolve({ ...response, ...shown, plan: Array(200).fill(step), impact: 'None', outage_ms: 0 });
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

const driverOf = (agent: AgentClient): WgnodeDriver =>
  new WgnodeDriver(agent, { name: 'wg0', url: 'https://fra1.example.net:8443', now: () => 0 });

const look = (agent: AgentClient, previous?: string): Promise<Observed> => driverOf(agent).observe(previous, OPTIONS);

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
  /** The revision of what was seen. */
  previous: string | undefined;
}> {
  const agent = new ModelAgent();
  prepare(agent);
  const first = await look(agent);
  if (first.kind !== 'observed') throw new Error(`Wanted an observation, got ${first.kind}`);
  agent.asked.length = 0;
  return { agent, previous: first.observation.revision };
}

describe('the first look', () => {
  test('asks who the agent is, for the whole interface, and who has answered by then', async () => {
    const agent = new ModelAgent();
    expect(await look(agent)).toEqual(observed(responseWith('a')));
    expect(agent.asked).toEqual(['health', 'read wg0 whole', 'health']);
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
  test('I5: at a host on which nothing moved asks for that alone', async () => {
    const { agent, previous } = await seenOnce();
    for (let round = 0; round < 3; round += 1) expect(await look(agent, previous)).toEqual({ kind: 'unchanged' });
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
    expect(agent.asked).toEqual(['health', 'read wg0 whole', 'health']);
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
    const driver = driverOf(agent);
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
    const driver = driverOf(agent);
    await driver.observe(undefined, OPTIONS);
    await driver.plan(desired, OPTIONS);
    await driver.plan({ ...desired, config: { ...EMPTY_CONFIG, firewall } }, OPTIONS);
    expect(agent.puts.map((body) => body.firewall)).toEqual([[], firewall]);
  });
});

describe('an apply', () => {
  const applyTo = async (agent: ModelAgent, over: Partial<ApplyOptions> = {}): Promise<Applied> =>
    driverOf(agent).apply({ config: EMPTY_CONFIG, state: 'up' }, { ...LIMITS, ...over });
  const knowing = (...capabilities: string[]): ModelAgent =>
    Object.assign(new ModelAgent(), { healthResponse: { ...HEALTH, capabilities } });

  test('K4: says in whose name it is to an agent that remembers such a thing', async () => {
    const agent = knowing('owner');
    await applyTo(agent);
    expect(agent.puts[0]?.options).toMatchObject({ owner: CLAIM });
    expect(agent.puts[0]?.options).not.toHaveProperty('replaces');
    await applyTo(agent, { replaces: 'uid-2' });
    expect(agent.puts[1]?.options).toMatchObject({ owner: CLAIM, replaces: 'uid-2' });
  });

  test('asks an agent that can for what it reads afterwards, which spares a read', async () => {
    const agent = knowing('read-back');
    agent.after = responseWith('b');
    const applied = await applyTo(agent);
    expect(agent.puts[0]?.options).toMatchObject({ read_back: true });
    expect(applied).toMatchObject({ kind: 'applied', after: { revision: 'b' } });
  });

  test('says neither to an older agent, which takes no field that it does not know', async () => {
    const agent = new ModelAgent();
    expect(await applyTo(agent, { replaces: 'uid-2' })).toMatchObject({ kind: 'applied', after: undefined });
    for (const field of ['owner', 'replaces', 'read_back']) expect(agent.puts[0]?.options).not.toHaveProperty(field);
  });

  test('without a revision holds for whatever the host is', async () => {
    const agent = new ModelAgent();
    await applyTo(agent, { revision: undefined });
    expect(agent.puts[0]?.options).not.toHaveProperty('if_digest');
  });

  test('to an agent of another make is the refusal Unsupported, and nothing is sent', async () => {
    const agent = new ModelAgent();
    agent.healthResponse = { ...HEALTH, name: 'other-agent' };
    expect(await applyTo(agent)).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
    expect(agent.puts).toEqual([]);
  });
});

describe('K4: the owner that is seen', () => {
  const OWNER = { ...CLAIM, since: '2026-02-01T00:00:00Z' };

  test.each([
    { name: 'is the one that the agent tells', response: { ...responseWith('a'), owner: OWNER }, owner: OWNER },
    { name: 'is nobody where the agent says so', response: { ...responseWith('a'), owner: null }, owner: null },
    { name: 'is not known where the agent does not tell', response: responseWith('a'), owner: undefined },
  ])('$name', async ({ response, owner }) => {
    const agent = new ModelAgent();
    agent.configResponse = response;
    const seen = await look(agent);
    expect(seen.kind === 'observed' && seen.observation.owner).toEqual(owner);
  });

  test.each([
    { name: 'nobody', capabilities: ['owner'], owner: null },
    { name: 'not known', capabilities: [], owner: undefined },
  ])('of an interface that is not there is $name to an agent with the capabilities $capabilities', async (row) => {
    const agent = new ModelAgent();
    Object.assign(agent, { configResponse: undefined, healthResponse: { ...HEALTH, capabilities: row.capabilities } });
    const seen = await look(agent);
    expect(seen.kind === 'observed' && seen.observation.owner).toBe(row.owner);
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
    { code: 'owned', expected: { kind: 'superseded' } },
    { code: 'fenced', expected: { kind: 'refused', refusal: { reason: 'Conflict' } } },
    { code: 'invalid_value', expected: { kind: 'refused', refusal: { reason: 'ConfigRefused' } } },
    { code: 'hooks_off', expected: { kind: 'refused', refusal: { reason: 'HookNotAllowed' } } },
    { code: 'invalid_hook', expected: { kind: 'refused', refusal: { reason: 'HookNotAllowed' } } },
    { code: 'interface_not_allowed', expected: { kind: 'refused', refusal: { reason: 'ConfigRefused' } } },
  ])('an apply that the agent answers with $code', async ({ code, rolledBack, expected }) => {
    const agent = new ModelAgent();
    agent.failures.set('put', refusedBy(code, rolledBack));
    const driver = driverOf(agent);
    const desired = { config: EMPTY_CONFIG, state: 'up' } as const;
    expect(await driver.apply(desired, LIMITS)).toMatchObject(expected);
    expect(agent.puts).toMatchObject([{ options: { state: 'up', if_digest: 'a', max_impact: 'Restart' } }]);
  });

  function refusedBy(agentCode: ErrorCode, rolledBack?: boolean): AgentRefused {
    return new AgentRefused('no', { status: 422, agentCode, details: [], rolledBack });
  }
});

test('a plan changes nothing, and has at most as many steps as status has room for', async () => {
  const agent = new ModelAgent();
  const driver = driverOf(agent);
  const planned = await driver.plan({ config: EMPTY_CONFIG, state: 'up' }, OPTIONS);
  expect(planned.kind === 'planned' && planned.plan.steps.length).toBe(128);
  expect(agent.puts).toMatchObject([{ options: { dry_run: true } }]);
});

import type { ErrorCode } from '../../agent/protocol/errors.ts';
import { describe, expect, test } from '@jest/globals';
import type { ConfigAnswer, HealthAnswer } from '../../agent/protocol/messages.ts';
import { EMPTY_CONFIG } from '../../agent/protocol/wgquick/config.ts';
import { specFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { createMemories, type Memory } from '../memory.ts';
import type { AgentClient, ConfigRead } from './agent-client.ts';
import { AgentRefused, AgentUnreachable } from './agent-error.ts';
import { observationOf, observe } from './observe.ts';

const HEALTH: HealthAnswer = { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0', name: 'wgnode-agent' };
const OPTIONS = { timeoutMs: 1_000, signal: new AbortController().signal };

const answerWith = (digest: string): ConfigAnswer => ({
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
  readAnswer: ConfigAnswer | undefined = answerWith('a');
  healthAnswer = HEALTH;
  /** Thrown instead of an answer to the call of this name. */
  readonly failures = new Map<'health' | 'read', Error>();
  readonly asked: string[] = [];

  health(): Promise<HealthAnswer> {
    this.asked.push('health');
    const failure = this.failures.get('health');
    return failure === undefined ? Promise.resolve(this.healthAnswer) : Promise.reject(failure);
  }

  readConfig(name: string, etag: string | undefined): Promise<ConfigRead> {
    this.asked.push(`read ${name} ${etag ?? 'whole'}`);
    const failure = this.failures.get('read');
    if (failure !== undefined) return Promise.reject(failure);
    if (this.readAnswer === undefined) return Promise.resolve({ kind: 'absent' });
    const { digest } = this.readAnswer;
    if (digest === etag) return Promise.resolve({ kind: 'unchanged' });
    return Promise.resolve({ kind: 'present', answer: this.readAnswer, etag: digest });
  }

  putConfig(): Promise<never> {
    throw new Error('A look changes nothing');
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

const unreachable = new AgentUnreachable('ConnectionTimeout', 'no answer');
const newMemory = (): Memory => createMemories().of('edge/fra1-wg0', 'uid');
const look = (agent: AgentClient, memory: Memory): ReturnType<typeof observe> =>
  observe(agent, nodeWith(), memory, OPTIONS);

/** An agent that was looked at once, and the memory of that. */
async function seenOnce(prepare: (agent: ModelAgent) => void = () => undefined): Promise<{
  agent: ModelAgent;
  memory: Memory;
}> {
  const [agent, memory] = [new ModelAgent(), newMemory()];
  prepare(agent);
  await look(agent, memory);
  agent.asked.length = 0;
  return { agent, memory };
}

describe('the first look', () => {
  test('asks who the agent is, then for the whole interface', async () => {
    const [agent, memory] = [new ModelAgent(), newMemory()];
    expect(await look(agent, memory)).toEqual({ health: HEALTH, answer: answerWith('a') });
    expect(agent.asked).toEqual(['health', 'read wg0 whole']);
  });

  test('of a host with neither file nor device sees that it has none', async () => {
    const agent = new ModelAgent();
    agent.readAnswer = undefined;
    expect(await look(agent, newMemory())).toEqual({ health: HEALTH, answer: undefined });
  });

  test.each([
    { name: 'an agent of another make', health: { ...HEALTH, name: 'other-agent' } },
    { name: 'an agent that says no name', health: { status: 'ok', timestamp: 0, uptime: 1, version: '1' } as const },
  ])('of $name is the refusal Unsupported, and nothing more is asked of it', async ({ health }) => {
    const [agent, memory] = [new ModelAgent(), newMemory()];
    agent.healthAnswer = health;
    expect(await look(agent, memory)).toMatchObject({ reason: 'Unsupported' });
    expect([agent.asked, memory.lastRead]).toEqual([['health'], undefined]);
  });
});

describe('a later look', () => {
  test('at a host on which nothing moved asks for that alone, and keeps what was seen', async () => {
    const { agent, memory } = await seenOnce();
    const former = memory.lastRead?.seen;
    for (let round = 0; round < 3; round += 1) expect(await look(agent, memory)).toBe(former);
    expect(agent.asked).toEqual(Array(3).fill('read wg0 a'));
  });

  test('at a host that moved asks anew who the agent is', async () => {
    const { agent, memory } = await seenOnce();
    agent.readAnswer = answerWith('b');
    agent.healthAnswer = { ...HEALTH, epoch: 'another' };
    expect(await look(agent, memory)).toEqual({ health: agent.healthAnswer, answer: answerWith('b') });
    expect(agent.asked).toEqual(['read wg0 a', 'health']);
    await look(agent, memory);
    expect(agent.asked.slice(2)).toEqual(['read wg0 b']);
  });

  test('at an interface that went sees it gone', async () => {
    const { agent, memory } = await seenOnce();
    agent.readAnswer = undefined;
    expect(await look(agent, memory)).toEqual({ health: HEALTH, answer: undefined });
  });

  test('at an interface that was not there has nothing to compare with', async () => {
    const { agent, memory } = await seenOnce((each) => {
      each.readAnswer = undefined;
    });
    agent.readAnswer = answerWith('b');
    expect(await look(agent, memory)).toEqual({ health: HEALTH, answer: answerWith('b') });
    expect(agent.asked).toEqual(['read wg0 whole', 'health']);
  });

  test('over another client is a first look: it may be another host', async () => {
    const { memory } = await seenOnce();
    const other = new ModelAgent();
    await look(other, memory);
    expect(other.asked).toEqual(['health', 'read wg0 whole']);
  });

  test('at a host behind which another agent stands now is no look at ours', async () => {
    const { agent, memory } = await seenOnce();
    agent.readAnswer = answerWith('b');
    agent.healthAnswer = { ...HEALTH, name: 'other-agent' };
    expect(await look(agent, memory)).toMatchObject({ reason: 'Unsupported' });
  });
});

describe('a look that fails', () => {
  test.each([
    { name: 'the conditional read', fails: 'read', error: unreachable },
    { name: 'the conditional read, refused', fails: 'read', error: refusedBy('not_wireguard') },
    { name: 'health after a move', fails: 'health', error: unreachable },
  ] as const)('at $name is thrown and drops what was seen, so that the next one starts anew', async (row) => {
    const { agent, memory } = await seenOnce();
    agent.readAnswer = answerWith('b');
    agent.failures.set(row.fails, row.error);
    await expect(look(agent, memory)).rejects.toBe(row.error);
    expect(memory.lastRead).toBeUndefined();
    agent.failures.clear();
    agent.asked.length = 0;
    expect(await look(agent, memory)).toEqual({ health: HEALTH, answer: answerWith('b') });
    expect(agent.asked).toEqual(['health', 'read wg0 whole']);
  });

  function refusedBy(agentCode: ErrorCode): AgentRefused {
    return new AgentRefused('no', { status: 422, agentCode, details: [] });
  }
});

test('what was seen is observed as present or absent', () => {
  const answer = answerWith('a');
  expect(observationOf({ health: HEALTH, answer })).toEqual({ kind: 'present', answer });
  expect(observationOf({ health: HEALTH, answer: undefined })).toEqual({ kind: 'absent' });
});

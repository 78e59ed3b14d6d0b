import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newSecretText } from '../../test/support/canary.ts';
import { parseSettings } from '../settings.ts';
import { CommandError } from './command-error.ts';
import { enroll } from './enroll.ts';
import { type LocalAgent, Refusal } from './local-agent.ts';
import { status } from './status.ts';

const SETTINGS = parseSettings(`{tls: off, secrets: [${newSecretText()}]}`, {});
const OPTIONS = { interfaces: null, namespace: 'edge', mode: 'Observe', address: 'a.example', name: 'fra1' } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-left-'));
  for (const name of ['ln0', 'wg+0']) writeFileSync(join(folder, `${name}.conf`), '[Interface]\n');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const agentThat = (error: Error): LocalAgent => ({
  get: () => Promise.reject(error),
  put: () => Promise.reject(error),
});
const refusing = agentThat(new Refusal('ln0.conf is a symbolic link'));
const away = agentThat(new CommandError('No agent listens'));

test('enroll --all leaves out what the agent refuses and what has no name for us, and says so', async () => {
  const text = await enroll({ settings: SETTINGS, agent: refusing, configFolder: folder }, OPTIONS);
  expect(text).toMatch(/^# ln0 is left out: ln0\.conf is a symbolic link$/m);
  expect(text).toMatch(/^# wg\+0 is left out: the name must be 1 to 15 characters/m);
  expect(text).toContain('kind: Secret');
});

test('who asks for an interface by name gets the refusal, and nothing is left out where no agent is', async () => {
  const sources = { settings: SETTINGS, agent: refusing, configFolder: folder };
  await expect(enroll(sources, { ...OPTIONS, interfaces: ['ln0'] })).rejects.toThrow('symbolic link');
  await expect(enroll({ ...sources, agent: away }, OPTIONS)).rejects.toThrow('No agent listens');
});

test('nothing is left out for a reason that is not of the interface: a key that is not taken is no empty host', async () => {
  const unknown = agentThat(new CommandError('The agent answers GET /v1/wg/ln0/config with 401: the signature'));
  await expect(enroll({ settings: SETTINGS, agent: unknown, configFolder: folder }, OPTIONS)).rejects.toThrow('401');
});

test('status has a row for what the agent refuses, and the reason', async () => {
  const sources = { settings: SETTINGS, agent: refusing, nowMs: 0, auditFolder: folder };
  const { text } = await status(sources, { names: ['ln0'], isWide: true });
  expect(text).toMatch(/^ln0 +unknown/m);
  expect(text).toMatch(/^ln0: ln0\.conf is a symbolic link$/m);
  await expect(status({ ...sources, agent: away }, { names: ['ln0'], isWide: false })).rejects.toThrow('No agent');
});

test('status says that there is no interface of a name, and fails', async () => {
  const agent: LocalAgent = { get: () => Promise.resolve(null), put: () => Promise.reject(new Error('not asked')) };
  const sources = { settings: SETTINGS, agent, nowMs: 0, auditFolder: folder };
  const { text, exitCode } = await status(sources, { names: ['nope'], isWide: false });
  expect(text).toMatch(/^nope: there is no such interface/m);
  expect(exitCode).toBe(1);
  expect((await status(sources, { names: [], isWide: false })).exitCode).toBe(0);
});

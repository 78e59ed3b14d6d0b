import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { verifyAudit } from '../../agent/cli/audit-report.ts';
import { newPrivateKey } from '../support/canary.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();

const path = (): string => join(agent.stateFolder, 'audit.log');
const put = (name: string, change: object = {}): Promise<Reply> =>
  agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: KEY, ...change } });
const KEY = newPrivateKey();
/** The lines that came since the last call. */
const fresh = (): Record<string, unknown>[] => {
  const text = existsSync(path()) ? readFileSync(path(), 'utf8') : '';
  const lines = text.split('\n').filter(Boolean).slice(seen);
  seen += lines.length;
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};
let seen = 0;

describe('the audit log', () => {
  test('S12 has a line of each mutation: who, what, and how it ended', async () => {
    const name = newName();
    await put(name, { mtu: 1400 });
    await put(name, { mtu: 1400 });
    await put(name, { mtu: 1300 });
    await put(name, { mtu: 1300, post_up: ['a\nb'] });
    await agent.call({ method: 'DELETE', path: `/v1/wg/${name}` });
    const who = { interface: name, caller: { key: expect.stringMatching(/^[0-9a-f]{8}$/), address: '127.0.0.1' } };
    expect(fresh()).toMatchObject([
      { ...who, seq: 1, verb: 'put', outcome: 'changed', fields: ['spec.interface.name'], impact: 'None' },
      { ...who, seq: 2, verb: 'put', outcome: 'unchanged', fields: [] },
      { ...who, seq: 3, verb: 'put', outcome: 'changed', fields: ['spec.interface.mtu'] },
      { ...who, seq: 4, verb: 'put', outcome: 'invalid_hook' },
      { ...who, seq: 5, verb: 'delete', outcome: 'changed' },
    ]);
    expect(verifyAudit(agent.stateFolder)).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path(), 'utf8')).not.toContain(KEY);
  });

  test('a request of a stranger leaves no line, nor does one that reads', async () => {
    const name = newName();
    await agent.callUnsigned({ method: 'PUT', path: `/v1/wg/${name}/config`, body: {} });
    await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(fresh()).toEqual([]);
  });

  test('D3 while no line can be written nothing is changed, and reads go on', async () => {
    const name = newName();
    await put(name, { mtu: 1400 });
    const before = await agent.fingerprint();
    const aside = `${path()}.aside`;
    await rename(path(), aside);
    await mkdir(path());
    const refused = await put(name, { mtu: 1300 });
    expect(refused).toMatchObject({ status: 503, json: { code: 'audit_unavailable' } });
    expect(refused.json['error']).toContain(path());
    expect((await agent.call({ method: 'DELETE', path: `/v1/wg/${name}` })).status).toBe(503);
    expect(await agent.fingerprint()).toEqual(before);
    expect((await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).status).toBe(200);
    await rm(path(), { recursive: true });
    await rename(aside, path());
    expect((await put(name, { mtu: 1300 })).status).toBe(200);
    expect(verifyAudit(agent.stateFolder)).toMatchObject({ exitCode: 0 });
  });
});

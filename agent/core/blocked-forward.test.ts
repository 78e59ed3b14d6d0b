import { describe, expect, test } from '@jest/globals';
import type { Intent } from '../protocol/firewall/intent.ts';
import { blockedIntents } from './blocked-forward.ts';

const nat: Intent = { name: 'nat', type: 'Masquerade', masquerade: { outInterface: 'eth0' } };
const ssh: Intent = { name: 'ssh', type: 'OpenPort', openPort: { protocol: 'TCP', ports: [22] } };
const chain = (hook: string, policy: string): object => ({
  chain: { family: 'ip', table: 'filter', name: hook.toUpperCase(), hook, policy },
});
const rule = (name: string, ...expr: readonly object[]): object => ({
  rule: { family: 'ip', table: 'filter', chain: name, expr },
});
const on = (key: string, right: string): object => ({ match: { op: '==', left: { meta: { key } }, right } });

const of = (intents: readonly Intent[], ...nftables: readonly object[]): string[] =>
  blockedIntents(JSON.stringify({ nftables }), intents, 'wg0').map(({ name, chain: by }) => `${name}: ${by}`);

describe('intents that another table stands against', () => {
  test.each<{ what: string; intents: readonly Intent[]; rows: readonly object[]; expected: readonly string[] }>([
    {
      what: 'a policy of drop',
      intents: [nat, ssh],
      rows: [chain('forward', 'drop')],
      expected: ['nat: ip filter FORWARD'],
    },
    {
      what: 'of the input, too',
      intents: [nat, ssh],
      rows: [chain('input', 'drop')],
      expected: ['ssh: ip filter INPUT'],
    },
    { what: 'none where the policy is accept', intents: [nat], rows: [chain('forward', 'accept')], expected: [] },
    {
      what: 'a last rule that rejects everything',
      intents: [nat],
      rows: [chain('forward', 'accept'), rule('FORWARD', { counter: { packets: 0, bytes: 0 } }, { reject: null })],
      expected: ['nat: ip filter FORWARD'],
    },
    {
      what: 'none where a rule of that table names a device of it',
      intents: [nat],
      rows: [chain('forward', 'drop'), rule('DOCKER-USER', on('iifname', 'wg0'), { accept: null })],
      expected: [],
    },
    {
      what: 'or names it by a wildcard',
      intents: [nat],
      rows: [chain('forward', 'drop'), rule('FORWARD', on('oifname', 'eth*'), { accept: null })],
      expected: [],
    },
    {
      what: 'none of our own tables',
      intents: [nat],
      rows: [{ chain: { family: 'inet', table: 'wgnode_wg1', name: 'forward', hook: 'forward', policy: 'drop' } }],
      expected: [],
    },
  ])('$what', ({ intents, rows, expected }) => {
    expect(of(intents, ...rows)).toEqual(expected);
  });

  test('a Forward that drops is not blocked', () => {
    expect(of([{ name: 'no', type: 'Forward', forward: { action: 'Drop' } }], chain('forward', 'drop'))).toEqual([]);
  });
});

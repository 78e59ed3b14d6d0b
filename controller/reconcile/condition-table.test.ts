import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { nodeWith } from '../../test/support/node-builder.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { ConfigAnswer, HealthAnswer } from '../../agent/protocol/messages.ts';
import type { Rung } from '../api/conditions.ts';
import type { Condition, WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { rowsOf } from './condition-table.ts';
import { desired } from './desired.ts';
import type { Difference } from './diff.ts';
import { sameStatus, statusOf } from './status.ts';
import type { Change, Seen, Verdict } from './verdict.ts';

const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
const PUBLIC_KEY = desired(nodeWith(), KEY).publicKey;
const NOW_MS = Date.parse('2026-02-01T00:00:00Z');

const health: HealthAnswer = {
  status: 'ok',
  timestamp: 1_767_225_600,
  uptime: 3_600,
  version: '0.1.0',
  name: 'wgnode-agent',
  capabilities: ['plan', 'dry-run'],
  epoch: 'epoch-1',
};

const answer: ConfigAnswer = {
  interface: 'wg0',
  config: {
    private_key: null,
    listen_port: 51_820,
    address: '10.0.0.1/24',
    post_up: null,
    pre_down: null,
    mtu: null,
    dns: null,
    table: null,
    raw_config: '',
  },
  spec: {
    listen_port: 51_820,
    address: ['10.0.0.1/24'],
    mtu: null,
    dns: [],
    table: null,
    fw_mark: null,
    pre_up: [],
    post_up: [],
    pre_down: [],
    post_down: [],
    save_config: false,
  },
  live: { listen_port: 51_820, fw_mark: null, address: ['10.0.0.1/24'], mtu: 1_420, link_up: true, peer_count: 2 },
  state: 'up',
  public_key: PUBLIC_KEY,
  live_public_key: PUBLIC_KEY,
  unmanaged: [],
  drift: [],
  digest: 'digest-1',
};

const seen: Seen = { health, answer };
const MTU: Difference = { path: 'spec.interface.mtu', desired: '1400', file: '1420', live: '1420', impact: 'None' };
const differences = [MTU];
const plan = { impact: 'None', steps: [{ action: 'set-mtu', path: MTU.path, impact: 'None' }] } as const;
const waiting = { seen, differences, plan: { ...plan, steps: [...plan.steps] } };
const change: Change = { cause: 'DriftCorrected', impact: 'None', outageMs: 0, corrected: [MTU.path] };

const condition = (type: string, status: Condition['status'], reason: string, ageMs = 60_000): Condition => ({
  type,
  status,
  reason,
  message: 'as it was',
  observedGeneration: 3,
  lastTransitionTime: new Date(NOW_MS - ageMs).toISOString(),
});

/** A node that was in sync a minute ago. */
const wasInSync = nodeWith(({ status }) => {
  status.conditions = [
    condition('Ready', 'True', 'InSync'),
    condition('Reachable', 'True', 'Connected'),
    condition('Synced', 'True', 'InSync'),
  ];
});
const lostFor = (ageMs: number): WireGuardNode =>
  nodeWith(({ status }) => {
    status.conditions = [condition('Reachable', 'False', 'ConnectionRefused', ageMs)];
  });

/** The rule by which Flux, Argo CD and kubectl judge an object; the first line that matches decides. */
function kstatus({ metadata, status }: WireGuardNode): 'Terminating' | 'InProgress' | 'Failed' | 'Current' {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status.observedGeneration !== metadata.generation) return 'InProgress';
  for (const each of status.conditions) {
    if (each.type === 'Reconciling' && each.status === 'True') return 'InProgress';
    if (each.type === 'Stalled' && each.status === 'True') return 'Failed';
  }
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}

interface Case {
  readonly name: string;
  readonly node?: WireGuardNode;
  readonly verdict: Verdict;
  readonly failures?: number;
  /** `Type=Status/Reason`, in order. */
  readonly conditions: readonly string[];
  readonly kstatus: ReturnType<typeof kstatus>;
}

const unreachable = (rung: Rung): Verdict => ({ kind: 'unreachable', rung, message: 'no answer' });
const lost = (rung: Rung): string[] => [
  'Ready=Unknown/AgentUnreachable',
  `Reachable=False/${rung}`,
  'Synced=Unknown/AgentUnreachable',
];

const retryable = (['DNSFailed', 'ConnectionRefused', 'ConnectionTimeout', 'AgentError'] as const).map(
  (rung): Case => ({
    name: `a host that cannot be reached (${rung}) is on its way`,
    node: wasInSync,
    verdict: unreachable(rung),
    failures: 1,
    conditions: [...lost(rung), 'Reconciling=True/ProgressingWithRetry'],
    kstatus: 'InProgress',
  }),
);
const terminal = (['TLSFailed', 'ClockSkew', 'SignatureRejected', 'ProtocolError', 'URLNotAllowed'] as const).map(
  (rung): Case => ({
    name: `a host that a human must mend (${rung}) has failed`,
    node: wasInSync,
    verdict: unreachable(rung),
    failures: 1,
    conditions: [
      `Ready=False/${rung}`,
      `Reachable=False/${rung}`,
      'Synced=Unknown/AgentUnreachable',
      `Stalled=True/${rung}`,
    ],
    kstatus: 'Failed',
  }),
);

const cases: readonly Case[] = [
  {
    name: 'a node in sync is current',
    verdict: { kind: 'in-sync', seen, desired: desired(nodeWith(), KEY), change: undefined },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync'],
    kstatus: 'Current',
  },
  {
    name: 'a node whose drift was corrected stays current',
    node: wasInSync,
    verdict: { kind: 'in-sync', seen, desired: desired(nodeWith(), KEY), change },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync'],
    kstatus: 'Current',
  },
  {
    name: 'a change under way is on its way, and Reachable stays as it was',
    node: wasInSync,
    verdict: { kind: 'applying' },
    conditions: [
      'Ready=Unknown/Applying',
      'Reachable=True/Connected',
      'Synced=Unknown/Applying',
      'Reconciling=True/Progressing',
    ],
    kstatus: 'InProgress',
  },
  {
    name: 'a difference in mode Observe waits for a human',
    verdict: { kind: 'drifted', ...waiting },
    conditions: ['Ready=False/Drifted', 'Reachable=True/Connected', 'Synced=False/Drifted', 'Stalled=True/Drifted'],
    kstatus: 'Failed',
  },
  {
    name: 'a plan above maxImpact waits for a human',
    verdict: { kind: 'impact-not-allowed', ...waiting },
    conditions: [
      'Ready=False/ImpactNotAllowed',
      'Reachable=True/Connected',
      'Synced=False/ImpactNotAllowed',
      'Stalled=True/ImpactNotAllowed',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a refusal before the host was asked says nothing new of the host',
    verdict: { kind: 'refused', refusal: { reason: 'Unsupported', message: 'cannot' } },
    conditions: [
      'Ready=False/Unsupported',
      'Reachable=Unknown/Pending',
      'Synced=Unknown/Unsupported',
      'Stalled=True/Unsupported',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a refusal by the agent proves that it answers',
    verdict: { kind: 'refused', refusal: { reason: 'HookNotAllowed', message: 'no' }, seen },
    conditions: [
      'Ready=False/HookNotAllowed',
      'Reachable=True/Connected',
      'Synced=Unknown/HookNotAllowed',
      'Stalled=True/HookNotAllowed',
    ],
    kstatus: 'Failed',
  },
  ...retryable,
  ...terminal,
  {
    name: 'a host that is lost for eight minutes is on its way',
    node: lostFor(480_000),
    verdict: unreachable('ConnectionTimeout'),
    failures: 30,
    conditions: [...lost('ConnectionTimeout'), 'Reconciling=True/ProgressingWithRetry'],
    kstatus: 'InProgress',
  },
  {
    name: 'a host that is lost for ten minutes has failed',
    node: lostFor(600_000),
    verdict: unreachable('ConnectionTimeout'),
    failures: 30,
    conditions: [...lost('ConnectionTimeout'), 'Stalled=True/ConnectionTimeout'],
    kstatus: 'Failed',
  },
  {
    name: 'an apply that failed and was undone is tried again',
    verdict: { kind: 'apply-failed', seen, message: 'undone' },
    failures: 4,
    conditions: [
      'Ready=False/ApplyFailed',
      'Reachable=True/Connected',
      'Synced=False/ApplyFailed',
      'Reconciling=True/ProgressingWithRetry',
    ],
    kstatus: 'InProgress',
  },
  {
    name: 'T5: an apply that failed five times has failed',
    verdict: { kind: 'apply-failed', seen, message: 'undone' },
    failures: 5,
    conditions: [
      'Ready=False/ApplyFailed',
      'Reachable=True/Connected',
      'Synced=False/ApplyFailed',
      'Stalled=True/ApplyFailed',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a field that somebody else keeps changing waits for a human',
    verdict: { kind: 'contended', seen, differences, path: MTU.path },
    conditions: [
      'Ready=False/Contended',
      'Reachable=True/Connected',
      'Synced=False/Contended',
      'Stalled=True/Contended',
      'Contended=True/Contended',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a suspended node keeps what it said',
    node: wasInSync,
    verdict: { kind: 'suspended', specMoved: false },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync', 'Suspended=True/Suspended'],
    kstatus: 'Current',
  },
  {
    name: 'a suspended node whose spec moved on is not ready',
    node: wasInSync,
    verdict: { kind: 'suspended', specMoved: true },
    conditions: ['Ready=False/Suspended', 'Reachable=True/Connected', 'Synced=True/InSync', 'Suspended=True/Suspended'],
    kstatus: 'InProgress',
  },
];

const statusAfter = (node: WireGuardNode, verdict: Verdict, nowMs: number, failures: number): WireGuardNodeStatus =>
  statusOf({ node, verdict, nowMs, request: undefined, attempt: { failures, nextMs: nowMs + 1_000 } });

describe('the conditions of a verdict', () => {
  test.each(cases)('$name', ({ node = nodeWith(), verdict, failures = 0, conditions }) => {
    const rows = rowsOf({ node, verdict, nowMs: NOW_MS, failures });
    expect(rows.map(([type, status, reason]) => `${type}=${status}/${reason}`)).toEqual(conditions);
    for (const [, , , message] of rows) expect(message).not.toBe('');
  });

  test.each(cases)('kstatus: $name', ({ node = nodeWith(), verdict, failures = 0, kstatus: expected }) => {
    const status = statusAfter(node, verdict, NOW_MS, failures);
    expect(kstatus({ ...node, status })).toBe(expected);
    expect(new Set(status.conditions.map(({ observedGeneration }) => observedGeneration))).toEqual(new Set([3]));
  });

  test('kstatus: an object that nobody has looked at yet is on its way, by the defaults of the CRD', () => {
    const text = readFileSync(new URL('../../crds/wireguardnodes.wgnode.dev.yaml', import.meta.url), 'utf8');
    const crd = load(text) as {
      spec: {
        versions: { schema: { openAPIV3Schema: { properties: { status: { default: WireGuardNodeStatus } } } } }[];
      };
    };
    for (const { schema } of crd.spec.versions) {
      const status = schema.openAPIV3Schema.properties.status.default;
      const fresh = nodeWith(({ metadata }) => {
        metadata.generation = 1;
      });
      expect(kstatus({ ...fresh, status })).toBe('InProgress');
      expect(status.observedGeneration).toBe(-1);
      expect(status.conditions.map(({ type, status: is, reason }) => `${type}=${is}/${reason}`)).toEqual([
        'Ready=Unknown/Pending',
        'Reachable=Unknown/Pending',
        'Synced=Unknown/Pending',
      ]);
    }
  });

  test.each([
    { name: 'the field that differs', verdict: { kind: 'drifted', ...waiting }, word: MTU.path },
    { name: 'the limit that forbids it', verdict: { kind: 'impact-not-allowed', ...waiting }, word: 'Restart' },
    {
      name: 'the field that is fought over',
      verdict: { kind: 'contended', seen, differences, path: 'x.y' },
      word: 'x.y',
    },
  ] satisfies { name: string; verdict: Verdict; word: string }[])('the message names $name', ({ verdict, word }) => {
    const rows = rowsOf({ node: nodeWith(), verdict, nowMs: NOW_MS, failures: 0 });
    expect(rows[0]?.[3]).toContain(word);
  });
});

describe('I5: the same verdict again writes nothing', () => {
  test.each(cases)('$name', ({ node = nodeWith(), verdict, failures = 0 }) => {
    const again: Verdict = verdict.kind === 'in-sync' ? { ...verdict, change: undefined } : verdict;
    // Nine and ten: only a count that is a power of two is news.
    const [nine, ten] = failures === 0 ? [0, 0] : [9, 10];
    const first = statusAfter(node, verdict, NOW_MS, nine);
    const second = statusAfter({ ...node, status: first }, again, NOW_MS + 60_000, ten);
    expect(sameStatus(second, first)).toBe(true);
  });
});

test('whatever verdicts follow each other, transition times move with the status alone', () => {
  const step = fc.record({
    verdict: fc.constantFrom(...cases.map(({ verdict }) => verdict)),
    failures: fc.integer({ min: 1, max: 40 }),
    afterMs: fc.integer({ min: 1_000, max: 900_000 }),
  });
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    let node = nodeWith();
    let nowMs = NOW_MS;
    for (const { verdict, failures, afterMs } of steps) {
      nowMs += afterMs;
      const isFailure = verdict.kind === 'unreachable' || verdict.kind === 'apply-failed';
      const status = statusAfter(node, verdict, nowMs, isFailure ? failures : 0);
      const types = status.conditions.map(({ type }) => type);
      expect(types.slice(0, 3)).toEqual(['Ready', 'Reachable', 'Synced']);
      expect(new Set(types).size).toBe(types.length);
      expect(types.includes('Reconciling') && types.includes('Stalled')).toBe(false);
      for (const { type, status: is, lastTransitionTime } of status.conditions) {
        const former = node.status.conditions.find((each) => each.type === type);
        const nowText = new Date(nowMs).toISOString().replace(/\.[0-9]+Z$/, 'Z');
        expect(lastTransitionTime).toBe(former?.status === is ? former.lastTransitionTime : nowText);
      }
      node = { ...node, status };
    }
  });
  fc.assert(property);
});

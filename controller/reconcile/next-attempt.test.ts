import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nodeWith } from '../../test/support/node-builder.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { Rung } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { desired } from './desired.ts';
import { nextAttemptMs } from './next-attempt.ts';
import type { Seen, Outcome } from './outcome.ts';

const NOW_MS = Date.parse('2026-02-01T00:00:00Z');
const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
const seen: Seen = { health: { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0' }, answer: undefined };
const inSync: Outcome = { kind: 'in-sync', seen, desired: desired(nodeWith(), KEY), change: undefined };
const refused: Outcome = { kind: 'refused', refusal: { reason: 'InvalidKey', message: '' } };
const unreachable = (rung: Rung): Outcome => ({ kind: 'unreachable', rung, message: '' });
const failed: Outcome = { kind: 'apply-failed', seen, message: '' };
const waiting = { seen, differences: [], plan: { impact: 'None' as const, steps: [] } };

const lostFor = (ms: number): WireGuardNode =>
  nodeWith(({ status }) => {
    const lastTransitionTime = new Date(NOW_MS - ms).toISOString();
    const lost = { type: 'Reachable', status: 'False' as const, reason: 'DNSFailed', message: '', lastTransitionTime };
    status.conditions = [lost];
  });

describe('the delay, with an interval of 60 s and the least jitter', () => {
  test.each<{ name: string; node?: WireGuardNode; outcome: Outcome; failures?: number; expected: number | undefined }>([
    {
      name: 'a suspended node waits for a change',
      outcome: { kind: 'suspended', specMoved: false },
      expected: undefined,
    },
    { name: 'a refusal is polled slowly', outcome: refused, expected: 300_000 },
    {
      name: 'a contended field is polled slowly',
      outcome: { kind: 'contended', seen, differences: [], path: 'x' },
      expected: 300_000,
    },
    { name: 'a rung that a human must mend is polled slowly', outcome: unreachable('TLSFailed'), expected: 300_000 },
    { name: 'a host that was just lost is tried soon', outcome: unreachable('DNSFailed'), failures: 1, expected: 250 },
    { name: 'and then ever later', outcome: unreachable('DNSFailed'), failures: 4, expected: 2_000 },
    {
      name: 'but within 30 s',
      node: lostFor(599_000),
      outcome: unreachable('AgentError'),
      failures: 50,
      expected: 15_000,
    },
    {
      name: 'until it is lost for ten minutes',
      node: lostFor(600_000),
      outcome: unreachable('AgentError'),
      failures: 50,
      expected: 60_000,
    },
    {
      name: 'an agent that asks for more time is given it',
      outcome: { kind: 'unreachable', rung: 'AgentError', message: '', retryAfterMs: 45_000 },
      failures: 1,
      expected: 45_000,
    },
    {
      name: 'what could not be undone is tried again soon, as the agent recovers before its next change',
      outcome: { kind: 'not-restored', seen, differences: [], message: '' },
      failures: 1,
      expected: 250,
    },
    { name: 'a failed apply is tried again soon', outcome: failed, failures: 1, expected: 250 },
    { name: 'T5: and then ever later, up to five minutes', outcome: failed, failures: 50, expected: 150_000 },
  ])('$name', ({ node = nodeWith(), outcome, failures = 0, expected }) => {
    expect(nextAttemptMs({ node, outcome, failures, nowMs: NOW_MS, random: () => 0 })).toBe(expected);
  });

  test.each<{ outcome: Outcome }>([
    { outcome: inSync },
    { outcome: { kind: 'applying' } },
    { outcome: { kind: 'drifted', ...waiting } },
    { outcome: { kind: 'impact-not-allowed', ...waiting } },
  ])('$outcome.kind is checked at the interval', ({ outcome }) => {
    const delayMs = nextAttemptMs({ node: nodeWith(), outcome, failures: 0, nowMs: NOW_MS, random: () => 0 });
    expect(delayMs).toBeGreaterThanOrEqual(6_000);
    expect(delayMs).toBeLessThanOrEqual(66_000);
  });
});

describe('checks are spread over the interval', () => {
  const checkAfter = (uid: string, intervalSeconds: number, nowMs: number): number => {
    const node = nodeWith(({ metadata, spec }) => {
      metadata.uid = uid;
      spec.management.intervalSeconds = intervalSeconds;
    });
    return nextAttemptMs({ node, outcome: inSync, failures: 0, nowMs, random: () => 0 }) ?? Number.NaN;
  };
  const interval = fc.integer({ min: 5, max: 86_400 });
  const time = fc.integer({ min: 0, max: 4_000_000_000_000 });

  test('within a tenth and eleven tenths of it', () => {
    const property = fc.property(fc.uuid(), interval, time, (uid, seconds, nowMs) => {
      const delayMs = checkAfter(uid, seconds, nowMs);
      expect(delayMs).toBeGreaterThanOrEqual(seconds * 100);
      expect(delayMs).toBeLessThanOrEqual(seconds * 1_100);
    });
    fc.assert(property);
  });

  test('at the same phase of it, whenever the last one was', () => {
    const property = fc.property(fc.uuid(), interval, time, time, (uid, seconds, first, second) => {
      const phaseOf = (nowMs: number): number => (nowMs + checkAfter(uid, seconds, nowMs)) % (seconds * 1_000);
      expect(phaseOf(first)).toBe(phaseOf(second));
    });
    fc.assert(property);
  });

  test('evenly, by the UID', () => {
    const tenths = new Set<number>();
    for (let index = 0; index < 200; index += 1) {
      const uid = `${(index * 21_474_836).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
      tenths.add(Math.floor(checkAfter(uid, 60, NOW_MS) / 6_000));
    }
    expect(tenths.size).toBeGreaterThanOrEqual(10);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KEY_PAIR, observation } from '../../test/support/observed-host.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { UnreachableReason } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { delayOf } from '../reconcile/delay-of.ts';
import { desired } from './desired.ts';
import type { Outcome } from './outcome.ts';
import type { OutcomeContext } from './condition-rows.ts';
import { retryOf } from './outcome-table.ts';
import { beforeDeadline, countFailure, type FailureKind, NO_FAILURE, type Retry } from './retry.ts';

const NOW_MS = Date.parse('2026-02-01T00:00:00Z');
const inSync: Outcome = { kind: 'in-sync', observation, desired: desired(nodeWith(), KEY_PAIR), change: undefined };
const refused: Outcome = { kind: 'refused', refusal: { reason: 'InvalidKey', message: '' } };
const unreachable = (reason: UnreachableReason): Outcome => ({ kind: 'unreachable', reason, message: '' });
const failed: Outcome = { kind: 'apply-failed', observation, message: '' };
const waits = { observation, differences: [], plan: { impact: 'None' as const, steps: [] } };
const later: Retry = { kind: 'after', delayMs: 1_234 };
const every = (intervalSeconds: number): WireGuardNode =>
  nodeWith(({ spec }) => {
    spec.management.intervalSeconds = intervalSeconds;
  });

const lostFor = (ms: number): WireGuardNode =>
  nodeWith(({ status }) => {
    const lastTransitionTime = new Date(NOW_MS - ms).toISOString();
    const lost = { type: 'Reachable', status: 'False' as const, reason: 'DNSFailed', message: '', lastTransitionTime };
    status.conditions = [lost];
  });

/** With the least jitter. */
const delayMsOf = (outcome: Outcome, context: OutcomeContext): number | undefined =>
  delayOf(retryOf(outcome, context), context.failures, () => 0);

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
      outcome: { kind: 'contended', observation, differences: [], path: 'x' },
      expected: 300_000,
    },
    {
      name: 'a refusal is polled every ten minutes, however long five intervals are',
      node: every(300),
      outcome: refused,
      expected: 600_000,
    },
    {
      name: 'a refusal is polled at the interval where that is longer than ten minutes',
      node: every(86_400),
      outcome: refused,
      expected: 86_400_000,
    },
    {
      name: 'C1: who is queued behind another change of its host is woken, but for the word that it waits',
      outcome: { kind: 'queued' },
      expected: 2_000,
    },
    {
      name: 'C1: who has waited for long is woken',
      outcome: { kind: 'blocked', observation, sinceMs: 0 },
      expected: undefined,
    },
    { name: 'what did not move says itself when', outcome: { kind: 'unmoved', retry: later }, expected: 1_234 },
    {
      name: 'a deletion that waits says itself when',
      outcome: { kind: 'deleting', why: '', untilMs: 0, retry: later },
      failures: 3,
      expected: 1_234,
    },
    {
      name: 'a move to another host says itself when',
      outcome: { kind: 'moving', message: '', untilMs: 0, retry: later },
      failures: 3,
      expected: 1_234,
    },
    { name: 'what a person must mend is polled slowly', outcome: unreachable('TLSFailed'), expected: 300_000 },
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
      outcome: { kind: 'unreachable', reason: 'AgentError', message: '', retryAfterMs: 45_000 },
      failures: 1,
      expected: 45_000,
    },
    {
      name: 'what could not be undone is tried again by itself, as the agent recovers before its next change',
      outcome: { kind: 'not-restored', observation, differences: [], message: '' },
      failures: 1,
      expected: 5_000,
    },
    {
      name: 'a decision that no longer fits is made anew at once',
      outcome: { kind: 'superseded', message: '' },
      failures: 1,
      expected: 125,
    },
    {
      name: 'a failed apply is not tried again at once: it touches a tunnel that runs',
      outcome: failed,
      failures: 1,
      expected: 5_000,
    },
    { name: 'and then after twice as long', outcome: failed, failures: 2, expected: 10_000 },
    { name: 'T5: and then ever later, up to five minutes', outcome: failed, failures: 50, expected: 150_000 },
  ])('$name', ({ node = nodeWith(), outcome, failures = 0, expected }) => {
    expect(delayMsOf(outcome, { node, failures, nowMs: NOW_MS })).toBe(expected);
  });

  test.each<{ outcome: Outcome }>([
    { outcome: inSync },
    { outcome: { kind: 'applying' } },
    { outcome: { kind: 'drifted', ...waits, desired: desired(nodeWith(), KEY_PAIR) } },
    { outcome: { kind: 'impact-not-allowed', ...waits } },
  ])('$outcome.kind is looked at again at the interval', ({ outcome }) => {
    const delayMs = delayMsOf(outcome, { node: nodeWith(), failures: 0, nowMs: NOW_MS });
    expect(delayMs).toBeGreaterThanOrEqual(6_000);
    expect(delayMs).toBeLessThanOrEqual(66_000);
  });
});

describe('C2: what has a deadline is tried ever later, but not past it', () => {
  test.each([
    { name: 'first', leftMs: 300_000, failures: 1, most: 2_000 },
    { name: 'then', leftMs: 300_000, failures: 2, most: 4_000 },
    { name: 'in the end', leftMs: 300_000, failures: 50, most: 30_000 },
    { name: 'near the deadline', leftMs: 700, failures: 50, most: 700 },
    { name: 'at the deadline', leftMs: 0, failures: 50, most: 100 },
    { name: 'after the deadline', leftMs: -5_000, failures: 50, most: 100 },
  ])('$name within $most ms', ({ leftMs, failures, most }) => {
    const delay = (random: number): number | undefined => delayOf(beforeDeadline(leftMs), failures, () => random);
    expect([delay(0), delay(1)]).toEqual([most / 2, most]);
  });
});

describe('resyncs are spread over the interval', () => {
  const resyncAfter = (uid: string, intervalSeconds: number, nowMs: number): number => {
    const node = nodeWith(({ metadata, spec }) => {
      metadata.uid = uid;
      spec.management.intervalSeconds = intervalSeconds;
    });
    return delayMsOf(inSync, { node, failures: 0, nowMs }) ?? Number.NaN;
  };
  const interval = fc.integer({ min: 5, max: 86_400 });
  const time = fc.integer({ min: 0, max: 4_000_000_000_000 });

  test('within a tenth and eleven tenths of it', () => {
    const property = fc.property(fc.uuid(), interval, time, (uid, seconds, nowMs) => {
      const delayMs = resyncAfter(uid, seconds, nowMs);
      expect(delayMs).toBeGreaterThanOrEqual(seconds * 100);
      expect(delayMs).toBeLessThanOrEqual(seconds * 1_100);
    });
    fc.assert(property);
  });

  test('at the same phase of it, whenever the last one was', () => {
    const property = fc.property(fc.uuid(), interval, time, time, (uid, seconds, first, second) => {
      const phaseOf = (nowMs: number): number => (nowMs + resyncAfter(uid, seconds, nowMs)) % (seconds * 1_000);
      expect(phaseOf(first)).toBe(phaseOf(second));
    });
    fc.assert(property);
  });

  test('evenly, by the UID', () => {
    const tenths = new Set<number>();
    for (let index = 0; index < 200; index += 1) {
      const uid = `${(index * 21_474_836).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
      tenths.add(Math.floor(resyncAfter(uid, 60, NOW_MS) / 6_000));
    }
    expect(tenths.size).toBeGreaterThanOrEqual(10);
  });
});

describe('failures in a row', () => {
  const countOf = (...kinds: readonly (readonly [FailureKind | null, number])[]): number =>
    kinds.reduce((count, [kind, generation]) => countFailure(count, kind, generation), NO_FAILURE).count;

  test.each<{ name: string; kinds: readonly (readonly [FailureKind | null, number])[]; expected: number }>([
    {
      name: 'of one kind are counted',
      kinds: [
        ['apply', 3],
        ['apply', 3],
      ],
      expected: 2,
    },
    {
      name: 'start anew with another kind',
      kinds: [
        ['apply', 3],
        ['unreachable', 3],
      ],
      expected: 1,
    },
    {
      name: 'start anew with a new generation',
      kinds: [
        ['apply', 3],
        ['apply', 4],
      ],
      expected: 1,
    },
    {
      name: 'end with what is none',
      kinds: [
        ['apply', 3],
        [null, 3],
      ],
      expected: 0,
    },
  ])('$name', ({ kinds, expected }) => {
    expect(countOf(...kinds)).toBe(expected);
  });
});

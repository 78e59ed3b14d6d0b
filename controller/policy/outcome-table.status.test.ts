import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { kstatusOf } from '../../test/support/kstatus.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { NOW_MS } from '../../test/support/observed-host.ts';
import { outcomeCases } from '../../test/support/outcome-cases.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { sameStatus, statusOf } from './status.ts';
import type { Outcome } from './outcome.ts';

const statusAfter = (node: WireGuardNode, outcome: Outcome, nowMs: number, failures: number): WireGuardNodeStatus =>
  statusOf({ node, outcome, nowMs, request: undefined, attempt: { failures, nextMs: nowMs + 1_000 } });

/** Of `Type=Status/Reason` or `Type=Status/Reason@generation`. */
const generationIn = (text: string): number => Number(/@([0-9]+)$/.exec(text)?.[1] ?? 3);

describe('the conditions of an outcome', () => {
  test.each(outcomeCases)('kstatus: $name', ({ node = nodeWith(), outcome, failures = 0, ...expected }) => {
    const status = statusAfter(node, outcome, NOW_MS, failures);
    expect(kstatusOf({ ...node, status })).toBe(expected.kstatus);
    const generations = status.conditions.map(({ observedGeneration }) => observedGeneration);
    expect(generations).toEqual(expected.conditions.map(generationIn));
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
      expect(kstatusOf({ ...fresh, status })).toBe('InProgress');
      expect(status.observedGeneration).toBe(-1);
      expect(status.conditions.map(({ type, status: is, reason }) => `${type}=${is}/${reason}`)).toEqual([
        'Ready=Unknown/Pending',
        'Reachable=Unknown/Pending',
        'Synced=Unknown/Pending',
      ]);
    }
  });
});

describe('I5: the same outcome again writes nothing', () => {
  test.each(outcomeCases)('$name', ({ node = nodeWith(), outcome, failures = 0 }) => {
    const again: Outcome = outcome.kind === 'in-sync' ? { ...outcome, change: undefined } : outcome;
    // Nine and ten: only a count that is a power of two is news.
    const [nine, ten] = failures === 0 ? [0, 0] : [9, 10];
    const first = statusAfter(node, outcome, NOW_MS, nine);
    const second = statusAfter({ ...node, status: first }, again, NOW_MS + 60_000, ten);
    expect(sameStatus(second, first)).toBe(true);
  });
});

test('whatever outcomes follow each other, transition times move with the status alone', () => {
  const step = fc.record({
    outcome: fc.constantFrom(...outcomeCases.map(({ outcome }) => outcome)),
    failures: fc.integer({ min: 1, max: 40 }),
    afterMs: fc.integer({ min: 1_000, max: 900_000 }),
  });
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    let node = nodeWith();
    let nowMs = NOW_MS;
    for (const { outcome, failures, afterMs } of steps) {
      nowMs += afterMs;
      const isFailure = outcome.kind === 'unreachable' || outcome.kind === 'apply-failed';
      const status = statusAfter(node, outcome, nowMs, isFailure ? failures : 0);
      // It is the answer to a look after one that was written.
      if (outcome.kind === 'unmoved') {
        expect(status).toBe(node.status);
        continue;
      }
      const types = status.conditions.map(({ type }) => type);
      expect(types.slice(0, 3)).toEqual(['Ready', 'Reachable', 'Synced']);
      expect(new Set(types).size).toBe(types.length);
      expect(types.includes('Reconciling') && types.includes('Stalled')).toBe(false);
      for (const { type, status: is, lastTransitionTime } of status.conditions) {
        const previous = node.status.conditions.find((each) => each.type === type);
        const nowText = new Date(nowMs).toISOString().replace(/\.[0-9]+Z$/, 'Z');
        expect(lastTransitionTime).toBe(previous?.status === is ? previous.lastTransitionTime : nowText);
      }
      node = { ...node, status };
    }
  });
  fc.assert(property);
});

/** Outcomes for which the host was asked, so that they judge it. */
const isAsked = (outcome: Outcome): boolean => outcome.kind === 'unreachable' || 'observation' in outcome;

test('C11: whatever outcomes and edits follow each other, nothing is said of a generation at which it was not judged', () => {
  const step = fc.record({
    outcome: fc.constantFrom(...outcomeCases.map(({ outcome }) => outcome)),
    isEdited: fc.boolean(),
  });
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    let node = nodeWith();
    for (const { outcome, isEdited } of steps) {
      if (isEdited) node = { ...node, metadata: { ...node.metadata, generation: node.metadata.generation + 1 } };
      const status = statusAfter(node, outcome, NOW_MS, 0);
      for (const type of ['Reachable', 'Synced']) {
        const before = node.status.conditions.find((each) => each.type === type);
        const now = status.conditions.find((each) => each.type === type);
        if (now === undefined || now.status === 'Unknown' || isAsked(outcome)) continue;
        expect(now).toEqual(before);
      }
      for (const { observedGeneration = Number.NaN } of status.conditions)
        expect(observedGeneration).toBeLessThanOrEqual(node.metadata.generation);
      node = { ...node, status };
    }
  });
  fc.assert(property);
});

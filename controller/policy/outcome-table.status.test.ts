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

describe('the conditions of an outcome', () => {
  test.each(outcomeCases)('kstatus: $name', ({ node = nodeWith(), outcome, failures = 0, kstatus: expected }) => {
    const status = statusAfter(node, outcome, NOW_MS, failures);
    expect(kstatusOf({ ...node, status })).toBe(expected);
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

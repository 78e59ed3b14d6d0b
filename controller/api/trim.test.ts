import { expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { WireGuardNode } from './wireguardnode.generated.ts';
import { isReadableNode, trimNode, trimReferenced } from './trim.ts';

test('what the reconcile needs is kept', () => {
  const node = nodeWith(({ metadata }) => {
    metadata.annotations = { 'wgnode.dev/reconcile-requested-at': 'now' };
    metadata.finalizers = ['wgnode.dev/interface'];
    metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
  });
  expect(trimNode(node)).toEqual(node);
});

test('a status that was never defaulted has no condition', () => {
  const { status: _, ...bare } = nodeWith();
  expect(trimNode(bare as WireGuardNode).status).toEqual({ conditions: [] });
});

test.each<{ name: string; edit: (spec: Record<string, Record<string, unknown>>) => void }>([
  { name: 'agent', edit: (spec) => delete spec['agent'] },
  { name: 'agent.url', edit: (spec) => delete spec['agent']?.['url'] },
  { name: 'agent.secretRef', edit: (spec) => delete spec['agent']?.['secretRef'] },
  { name: 'interface', edit: (spec) => (spec['interface'] = null as never) },
  { name: 'interface.name', edit: (spec) => (spec['interface'] = { ...spec['interface'], name: 7 }) },
  { name: 'interface.privateKeySecretRef', edit: (spec) => delete spec['interface']?.['privateKeySecretRef'] },
  { name: 'management', edit: (spec) => delete spec['management'] },
])('C6: an object without $name cannot be read', ({ edit }) => {
  const { spec } = structuredClone(nodeWith());
  expect(isReadableNode({ spec })).toBe(true);
  edit(spec as never);
  expect(isReadableNode({ spec })).toBe(false);
  expect(isReadableNode({})).toBe(false);
});

test('annotations of others, labels and managed fields are not', () => {
  const node = nodeWith(({ metadata }) => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'wgnode.dev.example.com/other': 'x',
      'wgnode.dev/take-over': 'now',
    };
    Object.assign(metadata, { annotations, labels: { app: 'x' }, managedFields: [{ manager: 'kubectl' }] });
  });
  const { metadata } = trimNode(node);
  expect(metadata.annotations).toEqual({ 'wgnode.dev/take-over': 'now' });
  expect(Object.keys(metadata)).not.toContain('labels');
  expect(Object.keys(metadata)).not.toContain('managedFields');
});

test('an object that is not being deleted has no time of its deletion', () => {
  expect(Object.keys(trimNode(nodeWith()).metadata)).not.toContain('deletionTimestamp');
});

test('T14: of a Secret only key and version are kept', () => {
  const secret = { metadata: nodeWith().metadata, data: { privateKey: 'c2VjcmV0' } };
  expect(trimReferenced(secret)).toEqual({ key: 'edge/fra1-wg0', resourceVersion: '7' });
});

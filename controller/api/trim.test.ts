import { expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { trimNode, trimReferenced } from './trim.ts';

test('what the reconcile needs is kept', () => {
  const node = nodeWith(({ metadata }) => {
    metadata.annotations = { 'wgnode.dev/reconcile-requested-at': 'now' };
    metadata.finalizers = ['wgnode.dev/interface'];
    metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
  });
  expect(trimNode(node)).toEqual(node);
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

import { expect, test } from '@jest/globals';
import { nodeWith } from '../test/support/node-builder.ts';
import { targetsPage } from './agent-targets.ts';
import { createNodeStore } from './reconcile/informers.ts';

function storeOf(urls: Readonly<Record<string, string>>): ReturnType<typeof createNodeStore> {
  const nodes = createNodeStore();
  for (const [name, url] of Object.entries(urls))
    nodes.put(
      nodeWith(({ metadata, spec }) => {
        metadata.name = name;
        spec.agent.url = url;
      }),
    );
  return nodes;
}

test('every host is a target once, at the port that Prometheus asks for', () => {
  const nodes = storeOf({
    b: 'https://fra2.example.net:8443',
    a: 'https://fra1.example.net:8443',
    c: 'https://fra1.example.net',
    v6: 'https://[2001:db8::1]:8443',
    odd: 'https://1.2.3.999',
  });
  const { status, type, body } = targetsPage(nodes, null);
  expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
  expect(JSON.parse(body)).toEqual([
    {
      targets: ['[2001:db8::1]:9586'],
      labels: { __meta_wgnode_objects: 'edge/v6', host: 'https://[2001:db8::1]:8443' },
    },
    {
      targets: ['fra1.example.net:9586'],
      labels: { __meta_wgnode_objects: 'edge/a,edge/c', host: 'https://fra1.example.net:8443' },
    },
    {
      targets: ['fra2.example.net:9586'],
      labels: { __meta_wgnode_objects: 'edge/b', host: 'https://fra2.example.net:8443' },
    },
  ]);
  expect(targetsPage(nodes, '9100').body).toContain('fra2.example.net:9100');
  expect(JSON.parse(targetsPage(createNodeStore(), null).body)).toEqual([]);
});

test.each(['0', '65536', 'x', '', '1.5'])('port %j is none', (port) => {
  expect(targetsPage(storeOf({}), port).status).toBe(400);
});

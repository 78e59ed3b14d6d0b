import { randomBytes } from 'node:crypto';
import { KubeConfig } from '@kubernetes/client-node';
import { createKubeClient, type KubeClient } from '../../controller/cluster/kube-client.ts';
import { newPrivateKey, newSecretText } from './canary.ts';
import type { NodeView } from './fleet.ts';
import type { Lab } from './lab/start-lab.ts';
import { type ModelAgents, startModelAgents } from './model-agents/model-agents.ts';
import { until } from './until.ts';

/** Objects of model hosts on a real API server, written through a client of its own: no kubectl process for each. */
export class ModelFleet {
  readonly lab: Lab;
  readonly agents: ModelAgents;
  readonly client: KubeClient;
  readonly hmacKey = newSecretText();
  readonly privateKey = newPrivateKey();

  private constructor(lab: Lab, agents: ModelAgents, client: KubeClient) {
    this.lab = lab;
    this.agents = agents;
    this.client = client;
  }

  /** A lab with hosts that are models, the kinds installed; the controller does not run yet. */
  static async make(lab: Lab, count: number): Promise<ModelFleet> {
    await lab.kube.install();
    const address = new URL(lab.kube.url).hostname;
    const agents = await startModelAgents(lab.folder, { address, count });
    const client = await createKubeClient({
      loadConfig: () => {
        const config = new KubeConfig();
        config.loadFromFile(lab.kube.adminKubeconfig);
        return config;
      },
      answered: () => undefined,
    });
    return new ModelFleet(lab, agents, client);
  }

  /** Arguments by which the controller may talk to the models. */
  static readonly ARGS = ['--allow-agent-cidr', '127.0.0.0/8', '--log-level', 'debug'] as const;

  async stop(): Promise<void> {
    this.agents.stop();
    await this.client.close();
  }

  async namespace(name: string): Promise<void> {
    await this.post('/api/v1/namespaces', { metadata: { name } });
    const secrets = {
      agent: { 'hmac-key': this.hmacKey, 'ca.crt': this.agents.caPem },
      key: { privateKey: this.privateKey },
    };
    for (const [secret, stringData] of Object.entries(secrets))
      await this.post(`/api/v1/namespaces/${name}/secrets`, {
        metadata: { name: secret, namespace: name },
        stringData,
      });
  }

  /** An object that wants wg0 of a host; `over` goes over its spec, part by part. */
  node(key: string, url: string, over: SpecParts = {}): object {
    const [namespace, name] = key.split('/');
    return {
      apiVersion: 'wgnode.dev/v1alpha1',
      kind: 'WireGuardNode',
      metadata: { namespace, name, ...(over.metadata ?? {}) },
      spec: {
        agent: { url, secretRef: { name: 'agent' }, ...(over.agent ?? {}) },
        interface: {
          name: 'wg0',
          privateKeySecretRef: { name: 'key' },
          mtu: 1400,
          addresses: ['10.77.0.1/24'],
          ...(over.interface ?? {}),
        },
        management: { intervalSeconds: 5, ...(over.management ?? {}) },
        ...(over.suspend === undefined ? {} : { suspend: over.suspend }),
      },
    };
  }

  async create(node: object): Promise<void> {
    const { namespace } = (node as { metadata: { namespace: string } }).metadata;
    await this.post(`/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes`, node);
  }

  async patch(key: string, body: object, subresource: '' | '/status' = ''): Promise<NodeView> {
    return this.client.request<NodeView>({
      method: 'PATCH',
      path: pathOf(key) + subresource,
      contentType: 'application/merge-patch+json',
      body,
    });
  }

  async delete(key: string): Promise<void> {
    await this.client.request({ method: 'DELETE', path: pathOf(key) });
  }

  view(key: string): Promise<NodeView> {
    return this.client.request<NodeView>({ method: 'GET', path: pathOf(key) });
  }

  async views(namespace: string): Promise<readonly (NodeView & { readonly metadata: { readonly name: string } })[]> {
    const list = await this.client.request<{ items: (NodeView & { metadata: { name: string } })[] }>({
      method: 'GET',
      path: `/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes`,
    });
    return list.items;
  }

  exists(key: string): Promise<boolean> {
    return this.view(key).then(
      () => true,
      () => false,
    );
  }

  /** `Status/Reason` of a condition. */
  async said(key: string, type = 'Ready'): Promise<string> {
    const { status } = await this.view(key);
    const condition = status.conditions.find((each) => each.type === type);
    return condition === undefined ? 'none' : `${condition.status}/${condition.reason}`;
  }

  /** Waits until Ready says this at the present generation. */
  untilReady(key: string, said = 'True/InSync'): Promise<NodeView> {
    return until(`${key} to be ${said}`, async () => {
      const view = await this.view(key);
      const ready = view.status.conditions.find(({ type }) => type === 'Ready');
      const now = `${ready?.status ?? ''}/${ready?.reason ?? ''}`;
      if (view.status.observedGeneration === view.metadata.generation && now === said) return view;
      throw new Error(`it is ${now}: ${ready?.message ?? ''}`);
    });
  }

  /** Waits until every object of a namespace is Ready=True. */
  async untilAllReady(namespace: string): Promise<void> {
    await until(
      `all objects of ${namespace} to be Ready`,
      async () =>
        (await this.views(namespace)).every(({ status, metadata }) => {
          const ready = status.conditions.find(({ type }) => type === 'Ready');
          return ready?.status === 'True' && status.observedGeneration === metadata.generation;
        }),
      // There may be a thousand, and a machine that does something else beside.
      { timeoutMs: 300_000 },
    );
  }

  post(path: string, body: object): Promise<unknown> {
    return this.client.request({ method: 'POST', path, body });
  }
}

/** Parts of a spec that go over the usual ones. */
export interface SpecParts {
  readonly metadata?: object;
  readonly agent?: object;
  readonly interface?: object;
  readonly management?: object;
  readonly suspend?: boolean;
}

const pathOf = (key: string): string => {
  const [namespace = '', name = ''] = key.split('/');
  return `/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes/${name}`;
};

/** A name that no other object has. */
export const newNodeName = (): string => `n-${randomBytes(4).toString('hex')}`;

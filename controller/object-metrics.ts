import { Counter, Gauge, type Registry } from 'prom-client';
import { NORMAL_CONDITIONS, conditionOf } from './api/conditions.ts';
import { agentOrigin, keyOf } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { Store } from './runtime/store.ts';

/** What is told of each object; nothing of it is there where the operator turned it off. */
export interface ObjectMetrics {
  /** The host of the object was looked at. */
  readonly looked: (node: WireGuardNode, nowMs: number) => void;
  /** So many of its fields were changed on the host, and put right. */
  readonly corrected: (node: WireGuardNode, fields: number) => void;
}

const STATUSES = ['True', 'False', 'Unknown'] as const;
const OBJECT = ['namespace', 'name'];

const labelsOf = ({ metadata: { namespace, name } }: WireGuardNode): { namespace: string; name: string } => ({
  namespace,
  name,
});

/** A gauge that is made anew at every scrape. */
interface ObjectGauge {
  readonly name: string;
  readonly help: string;
  /** Beside those of the object. */
  readonly labels: readonly string[];
  readonly set: (gauge: Gauge, node: WireGuardNode) => void;
}

const GAUGES: readonly ObjectGauge[] = [
  {
    name: 'wgnode_condition',
    help: 'Conditions of every object: 1 for the status that it has, 0 for the others',
    labels: ['type', 'status'],
    set: (gauge, node) => {
      const { conditions } = node.status;
      for (const type of new Set([...NORMAL_CONDITIONS, ...conditions.map((condition) => condition.type)])) {
        const now = conditions.find((condition) => condition.type === type)?.status ?? 'Unknown';
        for (const status of STATUSES) gauge.set({ ...labelsOf(node), type, status }, status === now ? 1 : 0);
      }
    },
  },
  {
    name: 'wgnode_object_info',
    help: 'Host, interface and the reason of Ready of every object; always 1',
    labels: ['host', 'interface', 'reason'],
    set: (gauge, node) => {
      const reason = conditionOf(node.status.conditions, 'Ready')?.reason ?? 'Pending';
      gauge.set({ ...labelsOf(node), host: agentOrigin(node), interface: node.spec.interface.name, reason }, 1);
    },
  },
  {
    name: 'wgnode_object_interval_seconds',
    help: 'How often the host of the object is looked at, at least',
    labels: [],
    set: (gauge, node) => {
      gauge.set(labelsOf(node), node.spec.management.intervalSeconds);
    },
  },
  {
    name: 'wgnode_object_unreachable',
    help: 'Objects whose host cannot be talked to, by the first step that fails; always 1',
    labels: ['host', 'reason'],
    set: (gauge, node) => {
      const reachable = conditionOf(node.status.conditions, 'Reachable');
      if (reachable?.status !== 'False') return;
      gauge.set({ ...labelsOf(node), host: agentOrigin(node), reason: reachable.reason }, 1);
    },
  },
  {
    name: 'wgnode_object_agent_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that the agent of the object showed last ends, Unix seconds',
    labels: ['host'],
    set: (gauge, node) => {
      const end = Date.parse(node.status.agent?.certificateNotAfter ?? '');
      if (Number.isFinite(end)) gauge.set({ ...labelsOf(node), host: agentOrigin(node) }, end / 1000);
    },
  },
  {
    name: 'wgnode_object_drift_fields',
    help: 'Fields in which the host is not as the object wants',
    labels: [],
    set: (gauge, node) => {
      gauge.set(labelsOf(node), node.status.drift?.length ?? 0);
    },
  },
];

/** Gauges of the objects that are in the cache when they are scraped. */
export function createObjectMetrics(registry: Registry, nodes: Store<WireGuardNode>): ObjectMetrics {
  const registers = [registry];
  for (const { name, help, labels, set } of GAUGES) {
    new Gauge({
      ...{ name, help, registers, labelNames: [...OBJECT, ...labels] },
      collect() {
        this.reset();
        for (const node of nodes.keys().flatMap((key) => nodes.get(key) ?? [])) set(this, node);
      },
    });
  }
  return lookMetrics(registry, nodes);
}

/** What only this process knows of objects; of those that are gone nothing is told. */
function lookMetrics(registry: Registry, nodes: Store<WireGuardNode>): ObjectMetrics {
  const registers = [registry];
  const lookedMs = new Map<string, number>();
  const corrections = new Counter({
    name: 'wgnode_object_drift_corrections_total',
    help: 'Fields that were changed on the host and put right',
    labelNames: OBJECT,
    registers,
    collect() {
      for (const key of [...lookedMs.keys()]) {
        if (nodes.get(key) !== undefined) continue;
        lookedMs.delete(key);
        const [namespace = '', name = ''] = key.split('/');
        this.remove({ namespace, name });
      }
    },
  });
  new Gauge({
    name: 'wgnode_object_last_look_timestamp_seconds',
    help: 'When the host of the object was looked at last',
    labelNames: OBJECT,
    registers,
    collect() {
      this.reset();
      for (const [key, atMs] of lookedMs) {
        const node = nodes.get(key);
        if (node !== undefined) this.set(labelsOf(node), atMs / 1000);
      }
    },
  });
  return {
    looked(node, nowMs) {
      const key = keyOf(node);
      // Present from the first look, so that rate() sees the first step.
      if (!lookedMs.has(key)) corrections.inc(labelsOf(node), 0);
      lookedMs.set(key, nowMs);
    },
    corrected(node, fields) {
      corrections.inc(labelsOf(node), fields);
    },
  };
}

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The Grafana dashboard, made from the panels below: `node hack/generate-dashboard.ts`, `--check` = is the file as they say. */

const PATH = new URL('../manifests/components/monitoring/dashboard.json', import.meta.url).pathname;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

type Kind = 'stat' | 'timeseries' | 'table';

interface Panel {
  readonly title: string;
  /** For people: what it shows, and when to worry. */
  readonly description: string;
  readonly kind: Kind;
  readonly expr: string;
  readonly legend?: string;
  readonly unit?: string;
  /** In columns of 24, and in rows. */
  readonly width: number;
  readonly height: number;
}

const OBJECTS = 'namespace=~"$namespace"';
const HOST = 'instance=~"$instance",interface=~"$interface"';

const ROWS: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'Fleet',
    panels: [
      {
        ...{ title: 'Ready', kind: 'stat', unit: 'percentunit', width: 4, height: 4 },
        description: 'Share of the objects that are Ready.',
        expr: `avg(max by (namespace, name) (wgnode_condition{${OBJECTS},type="Ready",status="True"}))`,
      },
      {
        ...{ title: 'Objects', kind: 'stat', width: 4, height: 4 },
        description: 'WireGuardNodes that the controller knows.',
        expr: `count(max by (namespace, name) (wgnode_object_info{${OBJECTS}}))`,
      },
      {
        ...{ title: 'Hosts away', kind: 'stat', width: 4, height: 4 },
        description: 'Hosts that did not answer when they were asked last.',
        expr: 'max(wgnode_hosts_away)',
      },
      {
        ...{ title: 'Objects by reason', kind: 'timeseries', width: 12, height: 8, legend: '{{reason}}' },
        description: 'Why objects are or are not Ready.',
        expr: `count by (reason) (max by (namespace, name, reason) (wgnode_object_info{${OBJECTS}}))`,
      },
      {
        ...{ title: 'Why is it not Ready?', kind: 'table', width: 12, height: 8 },
        description: 'Every object that is not Ready, with its host and the reason. Next: kubectl wgnode status NAME.',
        expr: `max by (namespace, name, host, interface, reason) (wgnode_object_info{${OBJECTS},reason!~"InSync|Observed"})`,
      },
      {
        ...{ title: 'Which host cannot be talked to, and at which step?', kind: 'table', width: 12, height: 8 },
        description: 'DNS, TCP, TLS, clock, signature: the first step that fails.',
        expr: `max by (namespace, name, host, reason) (wgnode_object_unreachable{${OBJECTS}})`,
      },
      {
        ...{
          title: 'Which object drifts?',
          kind: 'timeseries',
          width: 12,
          height: 8,
          legend: '{{namespace}}/{{name}}',
        },
        description: 'Fields that differ now (mode Observe), and fields that were put right in the last 15 minutes.',
        expr: `max by (namespace, name) (wgnode_object_drift_fields{${OBJECTS}}) > 0 or sum by (namespace, name) (increase(wgnode_object_drift_corrections_total{${OBJECTS}}[15m])) > 0`,
      },
      {
        ...{ title: 'Age of the last look', kind: 'timeseries', unit: 's', width: 12, height: 8 },
        legend: '{{namespace}}/{{name}}',
        description: 'How old is what status says; about the interval of the object when all is well.',
        expr: `topk(10, time() - max by (namespace, name) (wgnode_object_last_look_timestamp_seconds{${OBJECTS}}))`,
      },
      {
        ...{ title: 'Certificates end in', kind: 'timeseries', unit: 's', width: 12, height: 8, legend: '{{host}}' },
        description: 'Of the agents. On the host: wgnode-agent renew.',
        expr: `bottomk(10, min by (host) (wgnode_object_agent_certificate_expiry_timestamp_seconds{${OBJECTS}}) - time())`,
      },
    ],
  },
  {
    title: 'Host',
    panels: [
      {
        ...{ title: 'Peers', kind: 'timeseries', width: 12, height: 8, legend: '{{instance}} {{interface}}' },
        description: 'Peers with a handshake in the last 180 s.',
        expr: `wgnode_agent_interface_active_peers{${HOST}}`,
      },
      {
        ...{ title: 'Handshake ages', kind: 'timeseries', unit: 's', width: 12, height: 8 },
        legend: '{{interface}} {{friendly_name}} {{public_key}}',
        description: 'Above 180 s a peer with traffic has a fault; WireGuard says nothing of a silent one.',
        expr: `topk(10, time() - (wireguard_latest_handshake_seconds{${HOST}} > 0))`,
      },
      {
        ...{ title: 'Received', kind: 'timeseries', unit: 'Bps', width: 12, height: 8 },
        legend: '{{interface}} {{friendly_name}} {{public_key}}',
        description: 'From the busiest ten peers.',
        expr: `topk(10, rate(wireguard_received_bytes_total{${HOST}}[$__rate_interval]))`,
      },
      {
        ...{ title: 'Sent', kind: 'timeseries', unit: 'Bps', width: 12, height: 8 },
        legend: '{{interface}} {{friendly_name}} {{public_key}}',
        description: 'To the busiest ten peers.',
        expr: `topk(10, rate(wireguard_sent_bytes_total{${HOST}}[$__rate_interval]))`,
      },
    ],
  },
  {
    title: 'Controller',
    panels: [
      {
        ...{ title: 'Does anything fail?', kind: 'timeseries', unit: 'ops', width: 12, height: 8, legend: 'errors' },
        description: 'Reconciles that failed, a second.',
        expr: 'sum(rate(controller_runtime_reconcile_errors_total{controller="wireguardnode"}[$__rate_interval]))',
      },
      {
        ...{ title: 'Reconciles', kind: 'timeseries', unit: 'ops', width: 12, height: 8, legend: '{{result}}' },
        description: 'By result, a second.',
        expr: 'sum by (result) (rate(controller_runtime_reconcile_total{controller="wireguardnode"}[$__rate_interval]))',
      },
      {
        ...{ title: 'Changes made on hosts', kind: 'timeseries', width: 12, height: 8, legend: '{{cause}} {{impact}}' },
        description: 'In the last hour, by cause and impact.',
        expr: 'sum by (cause, impact) (increase(wgnode_applies_total[1h]))',
      },
      {
        ...{
          title: 'Calls of agents, 99 %',
          kind: 'timeseries',
          unit: 's',
          width: 12,
          height: 8,
          legend: '{{operation}}',
        },
        description: 'Length of a call, by what is asked.',
        expr: 'histogram_quantile(0.99, sum by (le, operation) (rate(wgnode_agent_request_seconds_bucket[$__rate_interval])))',
      },
      {
        ...{ title: 'Queue', kind: 'timeseries', width: 12, height: 8, legend: 'priority {{priority}}' },
        description: 'Keys that wait; 1 are changes, 0 looks.',
        expr: 'workqueue_depth{name="wireguardnode"}',
      },
      {
        ...{ title: 'Memory', kind: 'timeseries', unit: 'bytes', width: 12, height: 8, legend: '{{instance}}' },
        description: 'Resident, of the controller.',
        expr: 'process_resident_memory_bytes and on (instance, job) wgnode_build_info',
      },
      {
        ...{ title: 'Leaders', kind: 'stat', width: 4, height: 4 },
        description: 'One, always.',
        expr: 'sum(leader_election_master_status{name="wgnode-controller"})',
      },
    ],
  },
];

const variable = (name: string, query: string): object => ({
  ...{ name, label: name, type: 'query', datasource: DATASOURCE, refresh: 2, sort: 1 },
  ...{ query: { query, refId: name }, includeAll: true, multi: true, allValue: '.*', current: {} },
});

function panelOf(panel: Panel, id: number, place: { readonly x: number; readonly y: number }): object {
  const { title, description, kind, expr, legend, unit = 'short', width, height } = panel;
  return {
    ...{ id, title, description, type: kind, datasource: DATASOURCE },
    gridPos: { ...place, w: width, h: height },
    fieldConfig: { defaults: { unit }, overrides: [] },
    options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : {},
    targets: [
      {
        ...{ refId: 'A', datasource: DATASOURCE, expr, legendFormat: legend ?? '__auto' },
        ...(kind === 'table' ? { format: 'table', instant: true } : {}),
      },
    ],
  };
}

function dashboard(): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let lowest = y;
    for (const panel of row.panels) {
      if (x + panel.width > 24) {
        x = 0;
        y = lowest;
      }
      panels.push(panelOf(panel, panels.length + 1, { x, y }));
      x += panel.width;
      lowest = Math.max(lowest, y + panel.height);
    }
    y = lowest;
  }
  return {
    ...{ uid: 'wgnode', title: 'wgnode', tags: ['wireguard'], schemaVersion: 39, version: 1, editable: true },
    ...{ refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'browser' },
    templating: {
      list: [
        { name: 'datasource', label: 'datasource', type: 'datasource', query: 'prometheus', current: {} },
        variable('namespace', 'label_values(wgnode_object_info, namespace)'),
        variable('instance', 'label_values(wgnode_agent_interface_up, instance)'),
        variable('interface', 'label_values(wgnode_agent_interface_up, interface)'),
      ],
    },
    panels,
  };
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const text = `${JSON.stringify(dashboard(), null, 2)}\n`;
if (!values.check) writeFileSync(PATH, text);
else if (readFileSync(PATH, 'utf8') !== text) {
  console.error('dashboard.json is not as its panels say: run node hack/generate-dashboard.ts');
  process.exitCode = 1;
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { alertsOf, metricsIn, readRules } from '../support/alert-rules.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { mustRun } from '../support/lab/run.ts';

const RULES = readRules();
const ALERTS = alertsOf(RULES);

interface Case {
  /** Series and their values, a minute apart, in promtool's words. */
  readonly fires: Readonly<Record<string, string>>;
  readonly quiet: Readonly<Record<string, string>>;
}

const condition = (type: string, status: string): string =>
  `wgnode_condition{namespace="edge",name="fra1-wg0",type="${type}",status="${status}"}`;
const object = (name: string, labels = ''): string => `${name}{namespace="edge",name="fra1-wg0"${labels}}`;
const PEER = 'instance="fra1:9586",interface="wg0",public_key="k"';
const RECONCILES = 'controller_runtime_reconcile_total{controller="wireguardnode",result="error"}';
const ERRORS = 'controller_runtime_reconcile_errors_total{controller="wireguardnode"}';
const DAY_S = 86_400;

/** What makes each alert fire within two hours, and what is near to that and must not. */
const CASES: Readonly<Record<string, Case>> = {
  WgnodeNotReady: {
    fires: { [condition('Ready', 'True')]: '0x120' },
    quiet: { [condition('Ready', 'True')]: '0x120', [condition('Suspended', 'True')]: '1x120' },
  },
  WgnodeStalled: {
    fires: { [condition('Stalled', 'True')]: '1x120' },
    quiet: { [condition('Stalled', 'True')]: '1x3 0x117' },
  },
  WgnodeNotRestored: {
    fires: { [object('wgnode_object_info', ',host="h",reason="NotRestored"')]: '1x120' },
    quiet: { [object('wgnode_object_info', ',host="h",reason="ApplyFailed"')]: '1x120' },
  },
  WgnodeHostUnreachable: {
    fires: { [object('wgnode_object_unreachable', ',host="h",reason="ConnectionTimeout"')]: '1x120' },
    quiet: { [object('wgnode_object_unreachable', ',host="h",reason="ConnectionTimeout"')]: '1x8 stale' },
  },
  WgnodeClockSkew: {
    fires: { [object('wgnode_object_unreachable', ',host="h",reason="ClockSkew"')]: '1x120' },
    quiet: { [object('wgnode_object_unreachable', ',host="h",reason="TLSFailed"')]: '1x120' },
  },
  WgnodeDriftWaiting: {
    fires: { [object('wgnode_object_drift_fields')]: '2x120' },
    quiet: { [object('wgnode_object_drift_fields')]: '2x10 0x110' },
  },
  WgnodeDriftRecurring: {
    fires: { [object('wgnode_object_drift_corrections_total')]: '0+1x120' },
    // One edit by hand of six fields.
    quiet: { [object('wgnode_object_drift_corrections_total')]: '0x20 6x100' },
  },
  WgnodeLookStale: {
    fires: {
      [object('wgnode_object_last_look_timestamp_seconds')]: '0x120',
      [object('wgnode_object_interval_seconds')]: '60x120',
    },
    // Looked at once in four hours, as its interval says.
    quiet: {
      [object('wgnode_object_last_look_timestamp_seconds')]: '0x120',
      [object('wgnode_object_interval_seconds')]: '14400x120',
    },
  },
  WgnodeCertificateExpiring: {
    fires: {
      [object('wgnode_object_agent_certificate_expiry_timestamp_seconds', ',host="h"')]: `${String(13 * DAY_S)}x120`,
    },
    quiet: {
      [object('wgnode_object_agent_certificate_expiry_timestamp_seconds', ',host="h"')]: `${String(15 * DAY_S)}x120`,
    },
  },
  WgnodeNoController: {
    fires: { 'leader_election_master_status{name="wgnode-controller",pod="a"}': '0x120' },
    quiet: {
      'leader_election_master_status{name="wgnode-controller",pod="a"}': '0x120',
      'leader_election_master_status{name="wgnode-controller",pod="b"}': '1x120',
    },
  },
  WgnodeReconcileErrors: {
    fires: { [RECONCILES]: '0+60x120', [ERRORS]: '0+50x120' },
    quiet: { [RECONCILES]: '0+60x120', [ERRORS]: '0+20x120' },
  },
  WgnodeWorkqueueStuck: {
    fires: { 'workqueue_longest_running_processor_seconds{name="wireguardnode"}': '0+60x120' },
    quiet: { 'workqueue_longest_running_processor_seconds{name="wireguardnode"}': '300x120' },
  },
  WgnodeWatchSilent: {
    fires: { 'wgnode_watch_last_contact_timestamp_seconds{watch="wireguardnodes"}': '0x120' },
    quiet: { 'wgnode_watch_last_contact_timestamp_seconds{watch="wireguardnodes"}': '0+60x120' },
  },
  WgnodeControllerBug: {
    fires: { 'controller_runtime_reconcile_panics_total{controller="wireguardnode"}': '0x110 1x10' },
    quiet: { 'controller_runtime_reconcile_panics_total{controller="wireguardnode"}': '1x120' },
  },
  WgnodeAgentDown: {
    fires: { 'up{job="wgnode-agents",instance="fra1:9586"}': '1x10 0x110' },
    // A host that serves no metrics.
    quiet: { 'up{job="wgnode-agents",instance="fra1:9586"}': '0x120' },
  },
  WgnodePeerHandshakeStale: {
    fires: {
      [`wireguard_latest_handshake_seconds{${PEER},friendly_name="Alice"}`]: '60x120',
      [`wgnode_agent_peer_keepalive_seconds{${PEER}}`]: '25x120',
    },
    quiet: {
      [`wireguard_latest_handshake_seconds{${PEER},friendly_name="Alice"}`]: '60x120',
    },
  },
};

describe('alerts', () => {
  let folder: string;
  let rules: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wgnode-rules-'));
    rules = join(folder, 'rules.json');
    await writeFile(rules, JSON.stringify(RULES));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('are a rule file that promtool takes', async () => {
    expect(await mustRun(['promtool', 'check', 'rules', '--lint=all', '--lint-fatal', rules])).toContain('SUCCESS');
  });

  test('have a case each, severity, summary, description, and a runbook that is there', async () => {
    expect(Object.keys(CASES).sort()).toEqual(ALERTS.map(({ alert }) => alert).sort());
    const runbooks = await readFile(repositoryPath('controller/docs/runbooks.md'), 'utf8');
    for (const { alert, labels = {}, annotations = {} } of ALERTS) {
      expect(['critical', 'warning', 'info']).toContain(labels['severity']);
      expect([annotations['summary'], annotations['description']]).not.toContain(undefined);
      expect(annotations['runbook_url']).toMatch(new RegExp(`/controller/docs/runbooks\\.md#${alert.toLowerCase()}$`));
      expect(runbooks).toContain(`\n## ${alert}\n`);
    }
    expect([...runbooks.matchAll(/^## (.*)$/gm)].map(([, name]) => name).sort()).toEqual(Object.keys(CASES).sort());
  });

  /** Whether the alert fires at some time of the two hours, by promtool: it must say so at the end, or never. */
  async function firesIn(alert: string, series: Readonly<Record<string, string>>, isExpected: boolean): Promise<void> {
    const file = join(folder, `${alert}-${String(isExpected)}.json`);
    const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
    const rule = ALERTS.find((each) => each.alert === alert);
    const at = isExpected ? ['120m'] : Array.from({ length: 24 }, (_, index) => `${String((index + 1) * 5)}m`);
    const promql_expr_test = at.map((eval_time) => ({
      expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
      eval_time,
      exp_samples: isExpected ? [{ labels: '{}', value: 1 }] : [],
    }));
    await writeFile(
      file,
      JSON.stringify({
        rule_files: [rules],
        evaluation_interval: '1m',
        tests: [{ interval: '1m', input_series, promql_expr_test }],
      }),
    );
    expect(rule).toBeDefined();
    await mustRun(['promtool', 'test', 'rules', file]);
  }

  test.each(Object.entries(CASES))('%s fires, and does not where it is near to it', async (alert, { fires, quiet }) => {
    await firesIn(alert, fires, true);
    await firesIn(alert, quiet, false);
  });

  const suspended = { [condition('Suspended', 'True')]: '1x120' };
  test.each([
    'WgnodeNotReady',
    'WgnodeStalled',
    'WgnodeHostUnreachable',
    'WgnodeClockSkew',
    'WgnodeDriftWaiting',
    'WgnodeLookStale',
    'WgnodeCertificateExpiring',
  ])('%s is silent of an object that is suspended', (alert) =>
    firesIn(alert, { ...CASES[alert]?.fires, ...suspended }, false),
  );

  test('two controllers, of which one acts, make one alert of one fault', () => {
    const series = (pod: string): string => condition('Stalled', 'True').replace('}', `,pod="${pod}"}`);
    return firesIn('WgnodeStalled', { [series('a')]: '1x120', [series('b')]: '1x120' }, true);
  });

  test('WgnodeNoController fires where nobody tells of a leader at all', () => firesIn('WgnodeNoController', {}, true));
});

test('every metric that rules and dashboard ask for is documented', async () => {
  const documented = await readFile(repositoryPath('controller/docs/metrics.md'), 'utf8');
  const dashboard = await readFile(repositoryPath('manifests/components/monitoring/dashboard.json'), 'utf8');
  const queries = [...dashboard.matchAll(/"(?:expr|query)": "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replaceAll('\\"', '"'),
  );
  const asked = [...RULES.groups.flatMap(({ rules: list }) => list.map(({ expr }) => expr)), ...queries].flatMap(
    metricsIn,
  );
  const recorded = new Set(RULES.groups.flatMap(({ rules: list }) => list.map(({ record }) => record)));
  expect(asked.length).toBeGreaterThan(40);
  for (const name of new Set(asked))
    if (!recorded.has(name)) expect(documented).toContain(`\`${name.replace(/_bucket$/, '')}\``);
});

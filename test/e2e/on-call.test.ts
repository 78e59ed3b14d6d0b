import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { httpGet } from '../support/lab/http-get.ts';
import { LabPrometheus } from '../support/lab/lab-prometheus.ts';
import { mustRun } from '../support/lab/run.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { until } from '../support/until.ts';

describe('operate 20: what an on-call person asks is answered by a real Prometheus', () => {
  let lab: Lab;
  let fleet: ModelFleet;
  let prometheus: LabPrometheus;

  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    fleet = await ModelFleet.make(lab, 5);
    await lab.controller.start({ args: ModelFleet.ARGS });
    await fleet.namespace('edge');
    const { agents } = fleet;
    await agents.setMode(['h1'], 'hang');
    await fleet.create(fleet.node('edge/well', agents.urlOf('h0')));
    await fleet.create(fleet.node('edge/silent', agents.urlOf('h1')));
    await fleet.create(
      fleet.node('edge/keyless', agents.urlOf('h2'), { interface: { privateKeySecretRef: { name: 'none' } } }),
    );
    await fleet.create(fleet.node('edge/watched', agents.urlOf('h3'), { management: { mode: 'Observe' } }));
    await fleet.create(fleet.node('edge/fought', agents.urlOf('h4')));
    await fleet.untilReady('edge/well');
    await fleet.untilReady('edge/fought');
    const target = new URL(lab.controller.metricsUrl).host;
    const scrape = { job_name: 'wgnode', honor_labels: true, static_configs: [{ targets: [target] }] };
    prometheus = await LabPrometheus.start(lab, { scrapeConfigs: [scrape] });
  });
  afterAll(async () => {
    await prometheus.stop();
    await fleet.stop();
    await lab.stop();
  });

  /** The objects that a query finds, with these labels. */
  async function ask(query: string, ...labels: string[]): Promise<string[]> {
    const found = await prometheus.query(query);
    return found.map(({ metric }) => ['name', ...labels].map((label) => metric[label] ?? '').join(' ')).sort();
  }
  const untilAnswer = (query: string, labels: readonly string[], expected: readonly string[]): Promise<unknown> =>
    until(`the answer to ${query}`, async () => {
      const found = await ask(query, ...labels);
      if (JSON.stringify(found) === JSON.stringify(expected)) return found;
      throw new Error(`it is ${found.join(', ')}`);
    });

  test('why is it not Ready', async () => {
    await untilAnswer(
      'wgnode_object_info{reason!~"InSync|Observed"}',
      ['reason'],
      ['keyless SecretNotFound', 'silent AgentUnreachable'],
    );
  });

  test('which host cannot be talked to, and at which step', async () => {
    const host = `${fleet.agents.urlOf('h1')} ConnectionTimeout`;
    await untilAnswer('wgnode_object_unreachable', ['host', 'reason'], [`silent ${host}`]);
  });

  test('which object drifts, corrected or not', async () => {
    // A step is seen from the scrape before it.
    await untilAnswer('wgnode_object_drift_corrections_total{name="fought"}', [], ['fought']);
    await fleet.agents.drift('h4', 1300);
    const query = 'wgnode_object_drift_fields > 0 or increase(wgnode_object_drift_corrections_total[5m]) > 0';
    await untilAnswer(query, [], ['fought', 'watched']);
  });

  test('when was a host looked at last: of those that answer not long ago', async () => {
    await untilAnswer('time() - wgnode_object_last_look_timestamp_seconds < 30', [], ['fought', 'watched', 'well']);
  });

  test('does anything fail: where the alerts of everybody look', async () => {
    await until('the errors to be counted', async () => {
      const [errors] = await prometheus.query('controller_runtime_reconcile_errors_total');
      return Number(errors?.value?.[1] ?? 0) > 0;
    });
    expect(await lab.controller.metric('controller_runtime_terminal_reconcile_errors_total')).toBeGreaterThan(0);
  });

  test('all three states of a condition are there, so that a rule can say `== 1`', async () => {
    await untilAnswer('wgnode_condition{type="Ready",status="True"} == 1', [], ['fought', 'watched', 'well']);
  });

  test('operate 18, 19: promtool has nothing to say against a family, HEAD is answered, OpenMetrics is told who asks', async () => {
    expect(await mustRun(['promtool', 'check', 'metrics'], { stdin: await lab.controller.metricsText() })).toBe('');
    const page = await fetch(lab.controller.metricsUrl, { method: 'HEAD' });
    expect([page.status, await page.text()]).toEqual([200, '']);
    const accept = 'application/openmetrics-text;version=1.0.0';
    const { body } = await httpGet(lab.controller.metricsUrl, { headers: { accept } });
    expect(body.endsWith('\n# EOF\n')).toBe(true);
  });
});

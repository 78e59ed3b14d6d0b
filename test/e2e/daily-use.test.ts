import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { alertsOf, metricsIn, readRules } from '../support/alert-rules.ts';
import { newSecretText } from '../support/canary.ts';
import { Fleet, type Member } from '../support/fleet.ts';
import { LabPrometheus } from '../support/lab/lab-prometheus.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { outputOf, type RunResult } from '../support/lab/run.ts';
import { runPlugin, startPlugin } from '../support/lab/run-plugin.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

const METRICS_PORT = 9586;
const TOKEN_FILE = '/etc/wgnode/metrics-token';
const SKEWED_CLOCK = repositoryPath('test/support/skewed-clock.ts');

/** What each alert waits for, as short as the test may wait; what they ask stays as it is shipped. */
const hasty = (rules: ReturnType<typeof readRules>): object => ({
  groups: rules.groups.map((group) => ({
    ...group,
    rules: group.rules.map(({ keep_firing_for: _, ...rule }) =>
      rule.for === undefined ? rule : { ...rule, for: '2s' },
    ),
  })),
});

/** A fault of every kind that a person is called for, and what it must look like. */
interface Fault {
  readonly name: string;
  readonly alert: string;
  /** The first rung of `kubectl wgnode status` that is not well, and a word of what to do. */
  readonly rung: string;
  readonly cure: string;
  readonly begin: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
}

describe('operate 17-22: a day of a person on call', () => {
  let lab: Lab;
  let fleet: Fleet;
  let alpha: Member;
  let prometheus: LabPrometheus;
  const token = newSecretText();

  beforeAll(async () => {
    lab = await startLab({ hosts: ['alpha', 'beta'] });
    await lab.kube.install();
    fleet = await Fleet.make(lab);
    alpha = fleet.member('alpha');
    for (const { host } of fleet.members) {
      await host.writeFile(TOKEN_FILE, token);
      await host.mustExec(['chmod', '600', TOKEN_FILE]);
    }
    for (const member of fleet.members) await startAgent(member);
    await lab.controller.start();
    for (const member of fleet.members) await apply([...fleet.secrets(member), nodeOf(member)]);
    await plugin('reconcile', '-A', '--wait');
    const [peer = ''] = (await alpha.host.mustExec(['wg', 'show', 'wg0', 'peers'])).split('\n');
    await alpha.host.mustExec(['wg', 'set', 'wg0', 'peer', peer, 'persistent-keepalive', '25']);
    prometheus = await startPrometheus();
  });
  afterAll(async () => {
    await prometheus.stop();
    await lab.stop();
  });

  const nodeOf = (member: Member, mode = 'Enforce'): object =>
    fleet.node(member, { management: { mode, intervalSeconds: 5 } });

  async function startAgent({ host }: Member, env: Readonly<Record<string, string>> = {}): Promise<void> {
    await host.agent.stop().catch(() => undefined);
    const metrics = `{host: ${host.address}, port: ${String(METRICS_PORT)}, tokenFile: ${TOKEN_FILE}}`;
    await host.agent.start({ WGNODE_METRICS: metrics, ...env });
  }

  async function startPrometheus(): Promise<LabPrometheus> {
    const authority = join(lab.folder, 'agents-ca.pem');
    const [first] = fleet.members;
    await writeFile(authority, first?.host.caPem ?? '');
    const controller = new URL(lab.controller.metricsUrl).host;
    return LabPrometheus.start(lab, {
      rules: hasty(readRules()),
      scrapeConfigs: [
        { job_name: 'wgnode-controller', honor_labels: true, static_configs: [{ targets: [controller] }] },
        {
          job_name: 'wgnode-agents',
          scheme: 'https',
          http_sd_configs: [
            { url: `http://${controller}/sd/agents?port=${String(METRICS_PORT)}`, refresh_interval: '1s' },
          ],
          authorization: { credentials: token },
          tls_config: { ca_file: authority },
        },
      ],
    });
  }

  const apply = (items: readonly object[]): Promise<string> =>
    lab.kube.mustKubectl(['apply', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  const patch = (body: object): Promise<string> =>
    lab.kube.mustKubectl(['-n', 'edge', 'patch', 'wgn', 'alpha', '--type=merge', '-p', JSON.stringify(body)]);
  const ask = (...argv: string[]): Promise<RunResult> =>
    runPlugin(lab, [...argv, ...(argv.includes('-A') || argv.includes('-n') ? [] : ['-n', 'edge'])]);
  const plugin = async (...argv: string[]): Promise<string> =>
    outputOf(['kubectl', 'wgnode', ...argv], await ask(...argv));
  const isFiring = async (alert: string): Promise<boolean> =>
    (await prometheus.query(`ALERTS{alertname="${alert}",alertstate="firing"}`)).length > 0;
  const agentSecret = (hmacKey: string): object =>
    fleet.secret('alpha-agent', { 'hmac-key': hmacKey, 'ca.crt': alpha.host.caPem });

  test('all is well: every host is scraped with certificate and token, nothing fires, status says so', async () => {
    await until(
      'both agents to be scraped',
      async () => (await prometheus.query('up{job="wgnode-agents"} == 1')).length === 2,
    );
    await until('nothing to fire', async () => (await prometheus.query('ALERTS{alertstate="firing"}')).length === 0);
    const { exitCode, stdout } = await ask('status', 'alpha');
    expect([exitCode, stdout.split('\n').filter((line) => line.startsWith('✔')).length]).toEqual([0, 11]);
    expect(await plugin('check', '-A')).toMatch(/2 in all namespaces, 2 Ready/);
  });

  const faults: readonly Fault[] = [
    {
      ...{
        name: 'the agent is killed',
        alert: 'WgnodeHostUnreachable',
        rung: 'tcp',
        cure: 'systemctl status wgnode-agent',
      },
      begin: () => alpha.host.agent.kill(),
      mend: () => startAgent(alpha),
    },
    {
      ...{ name: 'the HMAC key is another one', alert: 'WgnodeStalled', rung: 'signature', cure: 'hmac-key' },
      begin: () => apply([agentSecret(newSecretText())]),
      mend: () => apply([agentSecret(alpha.host.hmacKey)]),
    },
    {
      ...{ name: 'the clock of the host is wrong', alert: 'WgnodeClockSkew', rung: 'clock', cure: 'timedatectl' },
      begin: () => startAgent(alpha, { NODE_OPTIONS: `--import ${SKEWED_CLOCK}`, WGNODE_LAB_SKEW_MS: '3600000' }),
      mend: () => startAgent(alpha),
    },
    {
      ...{ name: 'the name of the host is gone', alert: 'WgnodeHostUnreachable', rung: 'dns', cure: 'DNS servers' },
      begin: () => patch({ spec: { agent: { url: 'https://gone.invalid:8443' } } }),
      mend: () => patch({ spec: { agent: { url: alpha.host.agentUrl } } }),
    },
    {
      ...{
        name: 'the private key is none',
        alert: 'WgnodeStalled',
        rung: 'secret',
        cure: 'keygen alpha -n edge --replace',
      },
      begin: () => apply([fleet.secret('alpha-wg0', { privateKey: 'none' })]),
      mend: () => apply([fleet.secret('alpha-wg0', { privateKey: alpha.privateKey })]),
    },
    {
      ...{
        name: 'the host drifts under Observe',
        alert: 'WgnodeDriftWaiting',
        rung: 'live',
        cure: 'kubectl wgnode enforce alpha -n edge',
      },
      begin: async () => {
        await plugin('observe', 'alpha', '--wait');
        await alpha.host.mustExec(['ip', 'link', 'set', 'wg0', 'mtu', '1300']);
      },
      mend: () => plugin('enforce', 'alpha', '--wait'),
    },
  ];

  test.each(faults)(
    '$name: $alert fires, status names $rung and the cure, and all is well again',
    async ({ alert, rung, cure, begin, mend }) => {
      await begin();
      await until(`${alert} to fire`, () => isFiring(alert), { timeoutMs: 120_000 });
      await until(`status to name ${rung}`, async () => {
        const { exitCode, stdout } = await ask('status', 'alpha');
        const [line = '', todo = ''] = stdout
          .split('\n')
          .flatMap((text, at, all) => (/^[✘►]/.test(text) ? [text, all[at + 1] ?? ''] : []));
        if (exitCode === 1 && line.slice(2).startsWith(`${rung} `) && todo.includes(cure)) return true;
        throw new Error(`status says (${String(exitCode)}):\n${stdout}`);
      });
      if (rung === 'live') {
        const { exitCode, stdout } = await ask('diff', 'alpha');
        expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/mtu +1420 +1420 +1300/)]);
        expect(await plugin('plan', 'alpha')).toMatch(/set-mtu +mtu +1300 +1420 +None/);
      }
      if (rung !== 'live') expect((await ask('diff', 'alpha')).exitCode).toBe(2);
      await mend();
      await plugin('reconcile', 'alpha', '--wait', '--timeout', '2m');
      expect((await ask('status', 'alpha')).exitCode).toBe(0);
      await until(`${alert} to be over`, async () => !(await isFiring(alert)), { timeoutMs: 120_000 });
    },
    600_000,
  );

  test('the daily verbs: what they change, what they say, and their exit codes', async () => {
    expect((await ask('diff', 'alpha')).exitCode).toBe(0);
    expect(await plugin('get')).toMatch(/^NAME +READY +REASON .*\nalpha +True +InSync /);
    expect(await plugin('get', 'alpha', '-o', 'name')).toBe('wireguardnode.wgnode.dev/alpha\n');
    expect(JSON.parse(await plugin('get', 'alpha', '-o', 'json'))).toMatchObject({ metadata: { name: 'alpha' } });
    for (const [verb, state] of [
      ['down', 'Down'],
      ['up', 'Up'],
    ] as const) {
      await plugin(verb, 'alpha', '--wait');
      expect(await plugin('get', 'alpha')).toMatch(new RegExp(`wg0 +${state} `));
    }
    await plugin('suspend', '-l', 'none=such');
    expect((await ask('down', 'alpha', '--wait')).exitCode).toBe(0);
    await plugin('up', 'alpha', '--wait');
    await plugin('suspend', 'alpha', '--wait');
    expect(await ask('status', 'alpha')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('resume alpha -n edge'),
    });
    for (const argv of [
      ['up', 'alpha'],
      ['reconcile', 'alpha', '--wait'],
      ['diff', 'alpha'],
    ])
      expect((await ask(...argv)).exitCode).not.toBe(0);
    await plugin('resume', 'alpha', '--wait');
    expect(await plugin('events', 'alpha')).toMatch(/DriftCorrected|Applied/);
    const { stdout: key, stderr } = await ask('keygen', 'alpha');
    expect([key, stderr]).toEqual(['', expect.stringContaining('--replace')]);
    const made = (await plugin('keygen', 'alpha', '--replace')).trim();
    await plugin('reconcile', 'alpha', '--wait');
    expect((await alpha.host.mustExec(['wg', 'show', 'wg0', 'public-key'])).trim()).toBe(made);
  });

  test('get -w prints a row for every change, and ends with Ctrl-C', async () => {
    const watch = await startPlugin(lab, ['get', '-w', '-n', 'edge']);
    await until('the present rows', () => /^NAME +READY .*\nalpha +True +InSync /.test(watch.text()));
    await plugin('suspend', 'beta', '--wait');
    await until('the row of the change', () => /\nbeta +True +InSync,Suspended /.test(watch.text()));
    await plugin('resume', 'beta', '--wait');
    expect(await watch.interrupt()).toBe(130);
    expect(watch.text().match(/^NAME /gm)).toHaveLength(1);
  });

  test('peers and top ask the agents, and show no key but public ones', async () => {
    expect(await plugin('peers', '-A')).toMatch(/alpha +[A-Za-z0-9+/]{43}= +10\.231\./);
    expect(await plugin('top', 'alpha', 'beta')).toMatch(/^NODE +INTERFACE +PEERS +ACTIVE .*\n(alpha|beta) +wg0 +1 /);
    const away = await ask('peers', 'alpha', '--agent-url', 'https://127.0.0.1:9');
    expect(away).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--agent-url') });
  });

  test('an agent whose port is taken says so and ends, although its metrics could be served', async () => {
    const agent = repositoryPath('agent/main.ts');
    const { exitCode, stderr } = await alpha.host.exec(['env', 'WGNODE_METRICS={port: 9999}', process.execPath, agent]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Something listens at')]);
  });

  test('a wrong use is told in a line, without a stack', async () => {
    for (const [argv, exitCode, said] of [
      [['status', 'nobody'], 1, 'There is no wireguardnode nobody in namespace edge'],
      [['diff', 'nobody'], 2, 'There is no wireguardnode nobody'],
      [['frobnicate'], 2, 'There is no command frobnicate'],
      [['get', '--wait'], 2, 'get takes no --wait'],
      [['suspend'], 2, 'needs a name, -l SELECTOR or --all'],
      [['down', '-l', ''], 2, '-l must not be empty'],
      [['down', '-A'], 2, 'every object of the cluster'],
      [['top', 'alpha', '-o', 'json'], 2, 'top takes no --output'],
      [['get', '-o', 'xml'], 2, 'get -o takes'],
      [['get', '-n', 'a/b'], 2, 'no name of a namespace'],
    ] as const) {
      const result = await ask(...argv);
      expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(said)]);
      expect(result.stderr.trim().split('\n')).toHaveLength(1);
    }
    const { exitCode, stderr } = await runPlugin(lab, ['get', 'x'], { KUBECONFIG: '/nowhere', HOME: '/nowhere' });
    expect([exitCode, stderr.trim().split('\n').length]).toEqual([1, 1]);
  });

  test('every query of the dashboard has found something, and so has every metric that rules ask for', async () => {
    const { panels } = JSON.parse(
      readFileSync(repositoryPath('manifests/components/monitoring/dashboard.json'), 'utf8'),
    ) as {
      readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    expect(queries.length).toBeGreaterThan(15);
    const empty: string[] = [];
    for (const { title, expr } of queries) {
      const filled = expr.replaceAll('$__rate_interval', '1m').replace(/"\$[a-z]+"/g, '".*"');
      if ((await prometheus.queryHistory(filled)).length === 0) empty.push(title);
    }
    const rules = readRules().groups.flatMap((group) => group.rules);
    const recorded = rules.flatMap(({ record }) => record ?? []);
    expect(recorded.length).toBeGreaterThan(3);
    for (const name of new Set([...recorded, ...rules.flatMap(({ expr }) => metricsIn(expr))]))
      if ((await prometheus.queryHistory(name)).length === 0) empty.push(name);
    expect(empty).toEqual([]);
    expect(alertsOf(readRules()).length).toBeGreaterThan(12);
  });

  test('S1 no secret is in any log, event, status or metric', async () => {
    expect(await leaksOf(lab)).toEqual([]);
  });
});

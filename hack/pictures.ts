import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newSecretText } from '../test/support/canary.ts';
import { Fleet } from '../test/support/fleet.ts';
import { LabPrometheus } from '../test/support/lab/lab-prometheus.ts';
import { startLab } from '../test/support/lab/start-lab.ts';

/** Draws panels of the dashboard from a real Prometheus that watches two hosts for a minute and a half: `node hack/pictures.ts`, as root. */

const OUT = new URL('../manifests/components/monitoring/dashboard.svg', import.meta.url).pathname;
const DASHBOARD = new URL('../manifests/components/monitoring/dashboard.json', import.meta.url).pathname;
const TITLES = ['Objects by reason', 'Handshake ages', 'Sent', 'Reconciles'];
const [WIDTH, HEIGHT] = [440, 190];
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#ff7f0e', '#9467bd'];
const TOKEN_FILE = '/etc/wgnode/metrics-token';

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function panel(title: string, lines: readonly Line[], { x, y }: { readonly x: number; readonly y: number }): string {
  const all = lines.flatMap(({ points }) => points);
  const [from, to] = [Math.min(...all.map(([at]) => at)), Math.max(...all.map(([at]) => at))];
  const most = Math.max(1e-9, ...all.map(([, value]) => value));
  const place = ([at, value]: readonly [number, number]): string =>
    `${(40 + ((at - from) / Math.max(1, to - from)) * (WIDTH - 60)).toFixed(1)},${(HEIGHT - 45 - (value / most) * (HEIGHT - 80)).toFixed(1)}`;
  const drawn = lines.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '#000';
    const label = `<text x="${String(40 + (index % 2) * 190)}" y="${String(HEIGHT - 22 + Math.floor(index / 2) * 14)}" fill="${colour}">${escaped(name).slice(0, 34)}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.6" points="${points.map(place).join(' ')}"/>${label}`;
  });
  const scale = most >= 100 ? most.toFixed(0) : most.toPrecision(2);
  return `<g transform="translate(${String(x)} ${String(y)})"><rect width="${String(WIDTH - 10)}" height="${String(HEIGHT - 4)}" fill="#fff" stroke="#ccc"/>
<text x="10" y="18" font-weight="bold">${escaped(title)}</text><text x="8" y="40" fill="#777">${scale}</text><text x="8" y="${String(HEIGHT - 42)}" fill="#777">0</text>
${drawn.join('\n')}</g>`;
}

/** The name of a series, by the legend of its panel. */
const named = (legend: string, metric: Readonly<Record<string, string>>): string =>
  legend
    .replace(/\{\{(\w+)\}\}/g, (_, label: string) => (metric[label] ?? '').slice(0, 16))
    .replace(/\s+/g, ' ')
    .trim();

const lab = await startLab({ hosts: ['fra1', 'fra2'] });
try {
  await lab.kube.install();
  const fleet = await Fleet.make(lab);
  const token = newSecretText();
  for (const { host } of fleet.members) {
    await host.writeFile(TOKEN_FILE, token);
    await host.mustExec(['chmod', '600', TOKEN_FILE]);
    await host.agent.stop();
    await host.agent.start({ WGNODE_METRICS: `{host: ${host.address}, tokenFile: ${TOKEN_FILE}}` });
  }
  await lab.controller.start();
  const items = fleet.members.flatMap((member) => [...fleet.secrets(member), fleet.node(member)]);
  await lab.kube.mustKubectl(['apply', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
  await lab.kube.mustKubectl(['-n', 'edge', 'wait', '--for=condition=Ready', 'wgn', '--all', '--timeout=60s']);
  const [first, second] = fleet.members;
  if (first === undefined || second === undefined) throw new Error('Two hosts are there');
  const authority = join(lab.folder, 'ca.pem');
  writeFileSync(authority, first.host.caPem);
  const controller = new URL(lab.controller.metricsUrl).host;
  const prometheus = await LabPrometheus.start(lab, {
    scrapeConfigs: [
      { job_name: 'wgnode-controller', honor_labels: true, static_configs: [{ targets: [controller] }] },
      {
        ...{ job_name: 'wgnode-agents', scheme: 'https', authorization: { credentials: token } },
        http_sd_configs: [{ url: `http://${controller}/sd/agents`, refresh_interval: '1s' }],
        tls_config: { ca_file: authority },
      },
    ],
  });
  process.stderr.write('pictures: a minute and a half of two hosts, one of which loses its agent for a while\n');
  const ping = await first.host.startPing(second.address);
  await sleep(30_000);
  await second.host.agent.stop();
  await sleep(25_000);
  await second.host.agent.start({ WGNODE_METRICS: `{host: ${second.host.address}, tokenFile: ${TOKEN_FILE}}` });
  await sleep(35_000);
  await ping.stop();
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
    readonly panels: readonly {
      readonly title: string;
      readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
    }[];
  };
  const drawn = await Promise.all(
    TITLES.map(async (title, index) => {
      const [target] = panels.find((each) => each.title === title)?.targets ?? [];
      if (target === undefined) throw new Error(`The dashboard has no panel '${title}'`);
      const query = target.expr.replaceAll('$__rate_interval', '10s').replace(/"\$[a-z]+"/g, '".*"');
      const series = await prometheus.queryHistory(query);
      const lines = series.map(({ metric, values = [] }): Line => ({
        name: named(target.legendFormat, metric),
        points: values.map(([at, value]) => [at, Number(value)] as const).filter(([, value]) => Number.isFinite(value)),
      }));
      return panel(title, lines, { x: (index % 2) * WIDTH, y: Math.floor(index / 2) * HEIGHT });
    }),
  );
  await prometheus.stop();
  writeFileSync(
    OUT,
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(2 * WIDTH)}" height="${String(2 * HEIGHT)}" font-family="sans-serif" font-size="11">\n${drawn.join('\n')}\n</svg>\n`,
  );
} finally {
  await lab.stop();
}

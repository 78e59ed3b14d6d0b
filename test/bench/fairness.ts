import type { ModelFleet } from '../support/model-fleet.ts';
import { until } from '../support/until.ts';
import { median } from './figure.ts';
import type { ReadyWatch } from './ready-watch.ts';

/** What others notice of hosts that hang, as times with and without them, ms. */
export interface Fairness {
  readonly edit: { readonly without: number; readonly with: number };
  readonly drift: { readonly without: number; readonly with: number };
}

/** Where the fleet is, and how it is changed. */
export interface FairnessOptions {
  readonly fleet: ModelFleet;
  readonly namespace: string;
  readonly watch: ReadyWatch;
  readonly hosts: readonly string[];
  readonly samples: number;
  readonly say: (text: string) => void;
}

const NAMES = 40;

/** Measures edits and drift of hosts that are well: first among such, then with 30 % silent hosts and names that nobody resolves. */
export async function measureFairness(options: FairnessOptions): Promise<Fairness> {
  const { fleet, namespace, hosts, say } = options;
  const silent = hosts.slice(0, Math.floor(hosts.length * 0.3));
  const well = hosts.slice(silent.length);
  say('edits and drift of hosts that are well');
  const without = await measure(options, well);
  await fleet.agents.setMode(silent, 'hang');
  for (let index = 0; index < NAMES; index += 1)
    await fleet.create(fleet.node(`${namespace}/name-${String(index)}`, `https://host-${String(index)}.example:8443`));
  await until(
    'a name to fail',
    async () => (await fleet.said(`${namespace}/name-0`, 'Reachable')) === 'False/DNSFailed',
  );
  say(`the same with ${String(silent.length)} silent hosts and ${String(NAMES)} names without an answer`);
  const among = await measure(options, well);
  await fleet.agents.setMode(silent, 'well');
  return {
    edit: { without: without.edit, with: among.edit },
    drift: { without: without.drift, with: among.drift },
  };
}

async function measure(
  { fleet, namespace, watch, samples }: FairnessOptions,
  hosts: readonly string[],
): Promise<{ edit: number; drift: number }> {
  const edits: number[] = [];
  const drifts: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const host = hosts[sample % hosts.length] ?? '';
    const key = `${namespace}/${host}`;
    const started = performance.now();
    const mtu = 1281 + ((sample * 7 + Math.floor(performance.now())) % 100);
    const { metadata } = await fleet.patch(key, { spec: { interface: { mtu } } });
    await watch.untilReady(host, metadata.generation);
    edits.push(performance.now() - started);
  }
  // All at once: each waits for its interval, so their mean is that of the whole.
  const drifted = hosts.slice(0, samples);
  await Promise.all(
    drifted.map(async (host) => {
      const wanted = (await fleet.agents.mtuOf(host)) ?? 0;
      const started = performance.now();
      await fleet.agents.drift(host, 1280);
      await until(`the drift of ${host}`, async () => (await fleet.agents.mtuOf(host)) === wanted, { intervalMs: 50 });
      drifts.push(performance.now() - started);
    }),
  );
  return { edit: median(edits), drift: drifts.reduce((sum, ms) => sum + ms, 0) / drifts.length };
}

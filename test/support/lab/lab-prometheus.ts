import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { freePorts } from './free-ports.ts';
import { httpGet } from './http-get.ts';
import type { Lab } from './start-lab.ts';

/** Series as Prometheus answers with them. */
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** What a real Prometheus of a lab scrapes and judges. */
export interface LabPrometheusOptions {
  readonly scrapeConfigs: readonly object[];
  /** A rule file; left out = none. */
  readonly rules?: object;
}

/** A real Prometheus of a lab; it scrapes and evaluates every second. */
export class LabPrometheus {
  readonly #daemon: Daemon;
  readonly #url: string;
  readonly #startedMs = Date.now();

  private constructor(daemon: Daemon, url: string) {
    this.#daemon = daemon;
    this.#url = url;
  }

  static async start(lab: Lab, { scrapeConfigs, rules }: LabPrometheusOptions): Promise<LabPrometheus> {
    const address = new URL(lab.kube.url).hostname;
    const [port = 0] = await freePorts(address, 1);
    const url = `http://${address}:${String(port)}`;
    const path = (name: string): string => join(lab.folder, name);
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      scrape_configs: scrapeConfigs,
      ...(rules === undefined ? {} : { rule_files: [path('rules.json')] }),
    };
    if (rules !== undefined) await writeFile(path('rules.json'), JSON.stringify(rules));
    await writeFile(path('prometheus.yml'), JSON.stringify(config), { mode: 0o600 });
    const daemon = new Daemon({ name: 'prometheus', logFile: path('prometheus.log') });
    const argv = [
      ...['prometheus', `--config.file=${path('prometheus.yml')}`, `--web.listen-address=${new URL(url).host}`],
      `--storage.tsdb.path=${path('prometheus')}`,
    ];
    const isReady = async (): Promise<boolean> => (await httpGet(`${url}/-/ready`)).status === 200;
    await daemon.start({ argv, env: { PATH: process.env['PATH'] ?? '' }, isReady, readyMs: 60_000 });
    return new LabPrometheus(daemon, url);
  }

  /** What a query finds now. */
  query(query: string): Promise<readonly Series[]> {
    return this.#ask('query', { query });
  }

  /** What it found at any time since the start. */
  queryHistory(query: string): Promise<readonly Series[]> {
    const [start, end] = [this.#startedMs, Date.now()].map((ms) => String(ms / 1000));
    return this.#ask('query_range', { query, start: start ?? '', end: end ?? '', step: '1' });
  }

  async #ask(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly Series[]> {
    const { body } = await httpGet(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const answer = JSON.parse(body) as {
      readonly error?: string;
      readonly data?: { readonly result: readonly Series[] };
    };
    if (answer.data === undefined) throw new Error(`Prometheus does not take a query: ${answer.error ?? ''}`);
    return answer.data.result;
  }

  stop(): Promise<void> {
    return this.#daemon.stop();
  }
}

import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { repositoryPath } from './lab/repository.ts';

/** A rule of Prometheus, as far as tests look at it. */
export interface PrometheusRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The rule file that `manifests/components/monitoring` ships. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly PrometheusRule[] }[];
}

export function readRules(): RuleFile {
  const path = repositoryPath('manifests/components/monitoring/prometheusrule.yaml');
  return (load(readFileSync(path, 'utf8')) as { readonly spec: RuleFile }).spec;
}

export const alertsOf = ({ groups }: RuleFile): (PrometheusRule & { readonly alert: string })[] =>
  groups.flatMap(({ rules }) =>
    rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }])),
  );

/** Names of metrics that a query asks for. */
export const metricsIn = (query: string): string[] =>
  [
    ...new Set(
      [
        ...query
          .replace(/"[^"]*"/g, '""')
          .matchAll(
            /\b(wgnode|wireguard|controller_runtime|workqueue|leader_election|process|rest_client)[a-z0-9_:]*/g,
          ),
      ].map(([name]) => name),
    ),
  ].sort();

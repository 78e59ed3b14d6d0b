import type { Lab } from './lab/start-lab.ts';

const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE', 'APPLY'];

/** What the API server itself has counted since it began. */
export interface ApiRequests {
  /** Writes of our kinds, events and Secrets. */
  readonly writes: number;
  /** Reads of Secrets: one by one or as lists; a watch is none. */
  readonly secretReads: number;
}

export async function countApiRequests(lab: Lab): Promise<ApiRequests> {
  const text = await lab.kube.mustKubectl(['get', '--raw', '/metrics']);
  const rows = text.split('\n').filter((line) => line.startsWith('apiserver_request_total{'));
  const sum = (verbs: readonly string[], resources: readonly string[]): number =>
    rows
      .filter((row) => verbs.includes(labelOf(row, 'verb')) && resources.includes(labelOf(row, 'resource')))
      .reduce((total, row) => total + Number(row.split(' ').at(-1)), 0);
  return {
    writes: sum(WRITES, ['wireguardnodes', 'events', 'secrets']),
    secretReads: sum(['GET', 'LIST'], ['secrets']),
  };
}

const labelOf = (row: string, name: string): string => new RegExp(`${name}="([^"]*)"`).exec(row)?.[1] ?? '';

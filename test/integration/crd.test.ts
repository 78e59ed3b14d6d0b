import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { kstatusOf } from '../support/kstatus.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { type ApiResponse, ApiClient, mergePatch } from './support/api-client.ts';

interface Fill {
  readonly path: string;
  readonly item: unknown;
  readonly count?: number;
  readonly length?: number;
}

interface Case {
  readonly name: string;
  readonly patch?: object;
  readonly fill?: Fill;
  /** Merge patch onto the stored object: judged as an update. */
  readonly update?: object;
  readonly refused: null | { readonly path: string };
  readonly answer?: object;
}

interface Corpus {
  readonly base: object;
  readonly cases: readonly Case[];
}

const corpus = load(await readFile(repositoryPath('test/fixtures/crd-cases.yaml'), 'utf8')) as Corpus;
const COLLECTION = '/apis/wgnode.dev/v1alpha1/namespaces/default/wireguardnodes';

/** The value that a `fill` stands for: long lists and long texts, which nobody wants to read in a fixture. */
function filled({ item, count, length = 0 }: Fill): unknown {
  const at = (index: number): unknown => {
    const value: unknown = JSON.parse(JSON.stringify(item).replaceAll('{n}', String(index)));
    return typeof value === 'string' ? value.padEnd(length, 'x') : value;
  };
  return count === undefined ? at(0) : Array.from({ length: count }, (_, index) => at(index));
}

const nested = (path: string, value: unknown): object =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

function objectOf({ patch = {}, fill }: Case): object {
  const patched = mergePatch(corpus.base, patch);
  return fill === undefined ? patched : mergePatch(patched, nested(fill.path, filled(fill)));
}

function expectResponse({ status, body }: ApiResponse, { refused, answer: response }: Case): void {
  if (refused === null) {
    expect(body).not.toHaveProperty('reason');
    expect(status).toBeLessThan(300);
    if (response !== undefined) expect(body).toMatchObject(response);
    return;
  }
  expect([400, 422]).toContain(status);
  const { message = '', details } = body as { message?: string; details?: { causes?: { field?: string }[] } };
  const fields = (details?.causes ?? []).map(({ field }) => field ?? '').join(' ');
  expect(status === 422 ? fields : message).toContain(refused.path);
}

describe('the schema judges objects as the corpus says', () => {
  let lab: Lab;
  let api: ApiClient;
  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    await lab.kube.install();
    api = await ApiClient.connect(lab.kube);
  });
  afterAll(async () => {
    await api.close();
    await lab.stop();
  });

  test.each(corpus.cases.filter(({ update }) => update === undefined))('$name', async (row) => {
    expectResponse(await api.send('POST', `${COLLECTION}?fieldValidation=Strict&dryRun=All`, objectOf(row)), row);
  });

  test.each(corpus.cases.filter(({ update }) => update !== undefined))('$name', async (row) => {
    const created = await api.send('POST', `${COLLECTION}?fieldValidation=Strict`, objectOf(row));
    expect(created.status).toBe(201);
    const { name } = (created.body as { metadata: { name: string } }).metadata;
    try {
      const changed = mergePatch(created.body, row.update ?? {});
      expectResponse(await api.send('PUT', `${COLLECTION}/${name}?fieldValidation=Strict`, changed), row);
    } finally {
      await api.send('DELETE', `${COLLECTION}/${name}`);
    }
  });

  test('the base object alone is good', async () => {
    expect((await api.send('POST', `${COLLECTION}?fieldValidation=Strict&dryRun=All`, corpus.base)).status).toBe(201);
  });

  test('a fresh object is never Current to kstatus before the controller saw it', async () => {
    const created = await api.send('POST', COLLECTION, mergePatch(corpus.base, { metadata: { name: 'fresh' } }));
    expect(created.status).toBe(201);
    expect(kstatusOf(created.body as never)).toBe('InProgress');
    const read = await api.send('GET', `${COLLECTION}/fresh`);
    expect(kstatusOf(read.body as never)).toBe('InProgress');
    expect(read.body).toMatchObject({ status: { observedGeneration: -1 } });
  });

  test('apply, get, diff is empty: defaults cause no drift to GitOps tools', async () => {
    const manifest = JSON.stringify(mergePatch(corpus.base, { metadata: { name: 'stable', namespace: 'default' } }));
    await lab.kube.mustKubectl(['apply', '--server-side', '-f', '-'], { stdin: manifest });
    const diff = await lab.kube.kubectl(['diff', '--server-side', '-f', '-'], { stdin: manifest });
    expect({ exitCode: diff.exitCode, stdout: diff.stdout }).toEqual({ exitCode: 0, stdout: '' });
  });

  test('objects can be selected by agent URL and interface name', async () => {
    const { status } = await api.send('GET', `${COLLECTION}?fieldSelector=spec.interface.name%3Dwg0`);
    expect(status).toBe(200);
  });
});

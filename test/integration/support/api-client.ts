import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { Pool } from 'undici';
import type { Kube } from '../../support/lab/start-kube.ts';

export interface ApiResponse {
  readonly status: number;
  readonly body: object;
}

interface Kubeconfig {
  readonly users: readonly { readonly user: { readonly token?: string } }[];
}

/** The API server as admin, without kubectl's own checks in between. */
export class ApiClient {
  readonly #pool: Pool;
  readonly #token: string;

  private constructor(pool: Pool, token: string) {
    this.#pool = pool;
    this.#token = token;
  }

  static async connect(kube: Kube): Promise<ApiClient> {
    const config = load(await readFile(kube.adminKubeconfig, 'utf8')) as Kubeconfig;
    const token = config.users[0]?.user.token ?? '';
    return new ApiClient(new Pool(kube.url, { connect: { ca: await readFile(kube.caFile, 'utf8') } }), token);
  }

  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<ApiResponse> {
    const response = await this.#pool.request({
      method,
      path,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.statusCode, body: (await response.body.json()) as object };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386. */
export function mergePatch(target: unknown, patch: object): object {
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = isObject(value) ? mergePatch(result[key], value) : value;
  }
  return result;
}

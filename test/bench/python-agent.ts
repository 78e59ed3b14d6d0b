import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'undici';
import { headersV1 } from '../../agent/protocol/signature-v1.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { LabHost } from '../support/lab/start-host.ts';
import { until } from '../support/until.ts';
import { cpuMsOf } from './bench-host.ts';

/** The agent that ours takes the place of, over plain HTTP as it is. */
export interface PythonAgent {
  /** Milliseconds of CPU of one GET config. */
  cpuOfGet(name: string): Promise<number>;
  stop(): Promise<void>;
}

const PORT = 9_080;
const GETS = 2_000;

/** Starts `app:app` of that folder by uvicorn; by the folder's own `venv` where it has one. */
export async function startPythonAgent(host: LabHost, folder: string): Promise<PythonAgent> {
  const own = join(folder, 'venv/bin/python');
  const python = existsSync(own) ? own : 'python3';
  const argv = [
    python,
    '-m',
    'uvicorn',
    'app:app',
    '--app-dir',
    folder,
    '--host',
    host.address,
    '--port',
    String(PORT),
  ];
  const [program = '', ...args] = host.argvFor(argv);
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, WG_AGENT_SECRET: host.hmacKey } });
  const pool = new Pool(`http://${host.address}:${String(PORT)}`, { connections: 1 });
  const secret = new Secret(host.hmacKey);
  const get = async (path: string): Promise<number> => {
    const headers = headersV1({ method: 'GET', target: path, body: Buffer.alloc(0) }, secret, Date.now());
    const { statusCode, body } = await pool.request({ method: 'GET', path, headers });
    await body.dump();
    return statusCode;
  };
  await until('the Python agent', () =>
    get('/health').then(
      (status) => status === 200,
      () => false,
    ),
  );
  return {
    async cpuOfGet(name) {
      const path = `/v1/wg/${name}/config`;
      if ((await get(path)) !== 200) throw new Error(`The Python agent does not answer for ${name}`);
      const before = cpuMsOf(child.pid ?? 0);
      for (let count = 0; count < GETS; count += 1) await get(path);
      return (cpuMsOf(child.pid ?? 0) - before) / GETS;
    },
    async stop() {
      child.kill();
      await pool.close();
    },
  };
}

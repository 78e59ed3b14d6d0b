import { afterAll, expect } from '@jest/globals';
import { publicKeyOf } from '../../../agent/protocol/key.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { newPrivateKey } from '../../support/canary.ts';
import { mustRun, run } from '../../support/lab/run.ts';
import { newName, type Reply, type TestAgent } from './test-agent.ts';

export const newPublicKey = (): string => publicKeyOf(new Secret(newPrivateKey()));
/** About half of all keys have one. */
export function keyWithSlash(): string {
  for (;;) {
    const key = newPublicKey();
    if (key.includes('/')) return key;
  }
}

/** Calls of the agent that change peers, and what is seen of them. Call it once a file: it takes its devices away at the end. */
export function peerCalls(agent: TestAgent) {
  /** Devices of this machine. */
  const devices = new Set<string>();
  afterAll(async () => {
    for (const name of devices) await run(['ip', 'link', 'delete', name]);
  });
  /** An interface with a peer of its own, up or down. */
  const made = async (isUp: boolean): Promise<{ name: string; own: string; text: string }> => {
    const name = newName();
    devices.add(name);
    const own = newPublicKey();
    const text = `# of the host\n[Interface]\nPrivateKey = ${newPrivateKey()}\nAddress = 10.9.0.1/24\nTable = off\n\n# Alice\n[peer]\nPublicKey = ${own}\nAllowedIPs = 10.9.0.2/32\n`;
    await agent.write(name, text);
    if (isUp) expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(200);
    return { name, own, text };
  };

  const path = (name: string, more = ''): string => `/v1/wg/${name}/peers${more}`;
  const post = (name: string, body: object): Promise<Reply> => agent.call({ method: 'POST', path: path(name), body });
  const put = (name: string, key: string, body: object): Promise<Reply> =>
    agent.call({ method: 'PUT', path: path(name, `/${key}`), body });
  const remove = (name: string, key: string): Promise<Reply> =>
    agent.call({ method: 'DELETE', path: path(name, `/${key}`) });
  const sync = (name: string, text: string): Promise<Reply> =>
    agent.call({
      method: 'POST',
      path: `/v1/wg/${name}/syncconf`,
      body: { config: Buffer.from(text).toString('base64') },
    });
  /** `KEY IPS KEEPALIVE` of every peer that runs. */
  const live = async (name: string): Promise<string[]> => {
    const lines = (await mustRun(['wg', 'show', name, 'dump'])).trim().split('\n').slice(1);
    return lines
      .map((line) => line.split('\t'))
      .map(([key, , , ips, , , , keepalive]) => `${key ?? ''} ${ips ?? ''} ${keepalive ?? ''}`)
      .sort();
  };
  const file = (name: string): Promise<string | null> => agent.read(name);
  return { made, post, put, remove, sync, live, file };
}

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { rawBytes, type RawReply, sendRaw } from './support/raw-http.ts';
import { newName, startAgent, type TestAgent } from './support/test-agent.ts';

// The panel's client, as its requests stand on the wire: Python's requests and json modules, and HMAC over the text.

const leaks = createLeakWatch();
let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ leaks, settings: { dropIn: true } });
});
afterAll(async () => {
  await agent.close();
  leaks.expectNone();
});

/** Text as `json.dumps` of Python writes it: `, ` and `: ` between, everything beyond ASCII as \uXXXX. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, own]) => `${pythonJson(name)}: ${pythonJson(own)}`);
    return `{${entries.join(', ')}}`;
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** `signedBody` is what the client signs: the empty text for an empty dict too, though that is sent as `{}`. */
async function panelCall(method: string, path: string, payload?: object): Promise<RawReply> {
  const body = payload === undefined ? '' : pythonJson(payload);
  const signedBody = body === '{}' ? '' : body;
  const timestamp = String(agent.nextSecond());
  const signature = createHmac('sha256', agent.secrets[0].reveal())
    .update(`${method}|${path}|${signedBody}|${timestamp}`)
    .digest('hex');
  const headers: [string, string][] = [
    ['Host', `127.0.0.1:${String(agent.port)}`],
    ['User-Agent', 'python-requests/2.34.0'],
    ['Accept-Encoding', 'gzip, deflate'],
    ['Accept', '*/*'],
    // The client keeps the connection and drops it after the call; only this test needs to see its end.
    ['Connection', 'close'],
    ['Content-Type', 'application/json'],
    ['X-Signature', signature],
    ['X-Timestamp', timestamp],
    ...(method === 'GET' ? [] : ([['Content-Length', String(body.length)]] as [string, string][])),
  ];
  const target = encodeURI(path);
  const [reply] = await sendRaw(agent.port, rawBytes({ method, target, headers, body }));
  if (reply === undefined) throw new Error('The agent closed the connection without an answer');
  leaks.add(`${method} ${path}`, reply.body);
  return reply;
}

const success = ({ status, body }: RawReply): Record<string, unknown> => {
  expect(`${String(status)} ${status === 200 ? '' : body}`).toBe('200 ');
  return JSON.parse(body) as Record<string, unknown>;
};

describe('a content type of JSON without a body', () => {
  test('is fine on GET', async () => {
    expect(success(await panelCall('GET', '/health'))['status']).toBe('ok');
    const status = success(await panelCall('GET', '/v1/status'));
    expect(status).toMatchObject({
      system: { cpu_percent: expect.any(Number), memory: { percent: expect.any(Number) } },
    });
  });

  test('is fine on POST disable and DELETE with Content-Length: 0', async () => {
    const name = newName();
    expect(success(await panelCall('POST', `/v1/wg/${name}/disable`))).toEqual({
      status: 'success',
      message: `Interface ${name} is already down`,
      was_up: false,
    });
    expect(success(await panelCall('DELETE', `/v1/wg/${name}`))).toEqual({
      status: 'success',
      message: `Interface ${name} deleted successfully`,
    });
  });

  test('enable of what has no file answers at once, as a failure with its text', async () => {
    const reply = await panelCall('POST', `/v1/wg/${newName()}/enable`);
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body)).toMatchObject({ error: expect.stringMatching(/^Failed to enable interface: /) });
  });

  test('is fine as the {} of an empty dict that was signed as nothing', async () => {
    const name = newName();
    expect(success(await panelCall('POST', `/v1/wg/${name}/disable`, {}))['was_up']).toBe(false);
  });
});

describe('PUT config', () => {
  const key = newPrivateKey();

  test('takes the sync of the panel: spaces after separators, and no address or table', async () => {
    const name = newName();
    await agent.write(name, `[Interface]\nPrivateKey = ${key}\nAddress = 10.7.0.1/24\nTable = off\n`);
    const response = success(
      await panelCall('PUT', `/v1/wg/${name}/config`, {
        private_key: key,
        listen_port: 51_820,
        mtu: 1380,
        post_up: 'echo a; echo b',
        pre_down: 'echo c',
      }),
    );
    expect(response).toMatchObject({
      status: 'success',
      message: 'Interface configuration updated successfully',
      reloaded: false,
    });
    expect(await agent.read(name)).toBe(
      `[Interface]\nPrivateKey = ${key}\nListenPort = 51820\nAddress = 10.7.0.1/24\nMTU = 1380\nTable = off\n` +
        'PostUp = echo a; echo b\nPreDown = echo c\n',
    );
  });

  test('takes text beyond ASCII as \\uXXXX and writes it as UTF-8', async () => {
    const name = newName();
    success(await panelCall('PUT', `/v1/wg/${name}/config`, { private_key: key, post_up: 'echo "größe 🦊"' }));
    expect(await agent.read(name)).toContain('PostUp = echo "größe 🦊"\n');
  });

  test('takes explicit nulls and empty texts as "remove"', async () => {
    const name = newName();
    await agent.write(
      name,
      `[Interface]\nPrivateKey = ${key}\nListenPort = 51820\nAddress = 10.7.0.1/24\nMTU = 1400\nTable = off\nPostUp = echo a\n`,
    );
    success(
      await panelCall('PUT', `/v1/wg/${name}/config`, {
        private_key: key,
        listen_port: null,
        address: null,
        post_up: null,
        pre_down: '',
        mtu: null,
        dns: '',
        table: '',
      }),
    );
    expect(await agent.read(name)).toBe(`[Interface]\nPrivateKey = ${key}\n`);
  });

  test('a second equal call of the same panel changes nothing', async () => {
    const name = newName();
    const payload = { private_key: key, post_up: 'echo a; echo b' };
    await agent.write(name, `[Interface]\nPrivateKey = ${key}\nPostUp = echo a\nPostUp = echo b\n`);
    const before = await agent.fingerprint();
    success(await panelCall('PUT', `/v1/wg/${name}/config`, payload));
    expect(await agent.fingerprint()).toEqual(before);
  });
});

describe('GET config', () => {
  test('gives post_up and pre_down as one text each, all rules joined', async () => {
    const name = newName();
    const key = newPrivateKey();
    await agent.write(
      name,
      `[Interface]\nPrivateKey = ${key}\nPostUp = echo a\nPostUp = echo b\nPreDown = echo c\nPreDown = echo d\n`,
    );
    const { config } = success(await panelCall('GET', `/v1/wg/${name}/config`)) as { config: object };
    expect(config).toMatchObject({ post_up: 'echo a; echo b', pre_down: 'echo c; echo d' });
  });

  test('of no file is 404 with the text that the client shows', async () => {
    const name = newName();
    const reply = await panelCall('GET', `/v1/wg/${name}/config`);
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body)).toMatchObject({
      error: `Configuration file not found: ${agent.host.configPath(name)}`,
    });
  });
});

test('a space in the path is sent as %20 and signed as a space', async () => {
  const reply = await panelCall('GET', '/v1/wg/a b/config');
  expect(reply.status).toBe(400);
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'bad_request' });
});

test('two equal calls in one second, at the same time, both succeed', async () => {
  const path = `/v1/wg/${newName()}/disable`;
  const request = { method: 'POST', path, timestamp: String(agent.nextSecond()) };
  const replies = await Promise.all([agent.call(request), agent.call(request)]);
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(replies[0].text).toBe(replies[1].text);
});

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'undici';
import { until } from '../../../test/support/until.ts';
import { exchange, type RawAnswer } from './exchange.ts';

const LARGE = 2 * 1024 * 1024;
const LIMITS = { maxBytes: 4 * 1024 * 1024, maxErrorBytes: 100 };

describe('an exchange with an agent', () => {
  let server: Server;
  let clients: Client[];
  let answer: (path: string, response: ServerResponse) => void;

  beforeEach(async () => {
    clients = [];
    server = createServer((request, response) => {
      answer(request.url ?? '', response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.destroy()));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const newClient = (): Client => {
    const client = new Client(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    clients.push(client);
    return client;
  };
  const ask = (
    path = '/',
    { client = newClient(), signal = new AbortController().signal }: { client?: Client; signal?: AbortSignal } = {},
  ): Promise<RawAnswer> => exchange(client, { method: 'GET', path }, { ...LIMITS, signal });

  test('the answer is taken whole, however many pieces it comes in', async () => {
    answer = (_, response) => {
      response.writeHead(200, { etag: '"x"' });
      for (const piece of ['grü', 'ße', '!']) response.write(piece);
      response.end();
    };
    expect(await ask()).toMatchObject({ status: 200, text: 'grüße!', headers: { etag: '"x"' } });
  });

  test.each([
    ['an answer', 200, LIMITS.maxBytes],
    ['an error', 500, LIMITS.maxErrorBytes],
  ])('C5 %s that is one byte too large is refused, one that is not is taken', async (_, status, bytes) => {
    answer = (path, response) => {
      response.writeHead(status).end('x'.repeat(bytes + (path === '/more' ? 1 : 0)));
    };
    await expect(ask('/more')).rejects.toMatchObject({ code: 'answer_too_large' });
    expect((await ask('/just')).text).toHaveLength(bytes);
  });

  test('C5 of many large answers two are taken at a time, and all in the end', async () => {
    const open: ServerResponse[] = [];
    answer = (_, response) => {
      response.writeHead(200).write('x'.repeat(LARGE));
      open.push(response);
    };
    const asked = Array.from({ length: 6 }, () => ask());
    await until('all to be asked', () => open.length === asked.length);
    let taken = 0;
    for (const each of asked) void each.then(() => (taken += 1));
    for (const response of open) response.end();
    expect((await Promise.all(asked)).every(({ text }) => text.length === LARGE)).toBe(true);
    expect(taken).toBe(asked.length);
  });

  test('C5 large answers that break off or are given up leave their turn to others', async () => {
    const open: ServerResponse[] = [];
    answer = (path, response) => {
      response.writeHead(200).write('x'.repeat(LARGE));
      if (path === '/whole') response.end();
      else open.push(response);
    };
    const givingUp = new AbortController();
    const failing = Array.from({ length: 5 }, (_, index) => ask('/', index > 2 ? { signal: givingUp.signal } : {}));
    const settled = Promise.allSettled(failing);
    await until('all to be asked', () => open.length === failing.length);
    givingUp.abort(new Error('over'));
    for (const response of open) response.destroy();
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
    const whole = await Promise.all(Array.from({ length: 4 }, () => ask('/whole')));
    expect(whole.every(({ text }) => text.length === LARGE)).toBe(true);
  });

  test('C5 large answers that stall hold up no others', async () => {
    answer = (path, response) => {
      response.writeHead(200).write('x'.repeat(LARGE));
      if (path === '/whole') response.end();
    };
    const givingUp = new AbortController();
    const stalled = Promise.allSettled([1, 2, 3].map(() => ask('/', { signal: givingUp.signal })));
    const whole = await Promise.all([1, 2, 3].map(() => ask('/whole')));
    expect(whole.every(({ text }) => text.length === LARGE)).toBe(true);
    givingUp.abort(new Error('over'));
    expect((await stalled).every(({ status }) => status === 'rejected')).toBe(true);
  });

  test('C4 who gives up while the request waits behind another one hears of it at once, and nothing is sent', async () => {
    const paths: string[] = [];
    const open: ServerResponse[] = [];
    answer = (path, response) => {
      paths.push(path);
      open.push(response);
    };
    const client = newClient();
    const first = ask('/first', { client });
    await until('the first to be asked', () => open.length === 1);
    const givingUp = new AbortController();
    const second = ask('/second', { client, signal: givingUp.signal });
    const reason = new Error('over');
    givingUp.abort(reason);
    await expect(second).rejects.toBe(reason);
    open[0]?.end('first');
    expect((await first).text).toBe('first');
    answer = (path, response) => {
      paths.push(path);
      response.end();
    };
    await ask('/third', { client });
    expect(paths).toEqual(['/first', '/third']);
  });

  test('a signal that has aborted already sends nothing', async () => {
    answer = () => {
      throw new Error('asked');
    };
    const reason = new Error('over');
    await expect(ask('/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('a connection that breaks inside an answer is an error', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy());
    };
    await expect(ask()).rejects.toThrow();
  });
});

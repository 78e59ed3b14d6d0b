import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client, type Dispatcher } from 'undici';
import { until } from '../../../test/support/until.ts';
import { exchange, type RawAnswer } from './exchange.ts';

const LARGE = 2 * 1024 * 1024;
const LIMITS = { maxBytes: 4 * 1024 * 1024, maxErrorBytes: 100 };

class Controller implements Dispatcher.DispatchController {
  readonly aborted = false;
  readonly reason = null;
  readonly rawHeaders = null;
  readonly rawTrailers = null;
  paused = false;
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  abort(): void {
    throw new Error('Nothing is given up here');
  }
}

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
    jest.useRealTimers();
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

  test('C5 of many large answers two are taken at a time, the others stay in their sockets until it is their turn', async () => {
    // As slow as this machine may be.
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const turns = (): Promise<void> =>
      new Promise((resolve) => {
        setImmediate(resolve);
      });
    const started: { readonly handler: Dispatcher.DispatchHandler; readonly controller: Controller }[] = [];
    /** Hands the callbacks out, so that the test says when what comes. */
    const dispatcher = {
      dispatch: (_: unknown, handler: Dispatcher.DispatchHandler) => {
        const controller = new Controller();
        started.push({ handler, controller });
        handler.onRequestStart?.(controller, {});
        handler.onResponseStart?.(controller, 200, {});
        return true;
      },
    } as unknown as Client;
    const asked = Array.from({ length: 4 }, () => ask('/', { client: dispatcher }));
    for (const { handler, controller } of started) handler.onResponseData?.(controller, Buffer.alloc(LARGE, 'x'));
    const paused = (): boolean[] => started.map(({ controller }) => controller.paused);
    expect(paused()).toEqual([false, false, true, true]);
    const end = async (index: number): Promise<void> => {
      const { handler, controller } = started[index] ?? {};
      if (controller !== undefined) handler?.onResponseEnd?.(controller, {});
      expect((await asked[index])?.text).toHaveLength(LARGE);
    };
    await end(1);
    await turns();
    expect(paused()).toEqual([false, false, false, true]);
    // Nothing comes of the first and the third for a second: the last one waits for them no longer.
    jest.advanceTimersByTime(1_000);
    await turns();
    expect(paused()).toEqual([false, false, false, false]);
    for (const index of [0, 2, 3]) await end(index);
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

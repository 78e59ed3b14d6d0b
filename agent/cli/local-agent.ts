import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { headersV1 } from '../protocol/signature-v1.ts';
import { readCertificate } from '../http/tls-files.ts';
import { type AgentSettings, SettingsError } from '../settings.ts';
import { CommandError } from './command-error.ts';

/** The agent of this host, asked as a controller would ask it: over its own socket, signed, and only if it has the certificate of its own file. */
export interface LocalAgent {
  /** The body of a success; null = 404. Throws CommandError. */
  get<T>(path: string): Promise<T | null>;
  /** The body of a success. Throws CommandError with the agent's own words. */
  put<T>(path: string, body: object): Promise<T>;
}

const TIMEOUT_MS = 30_000;
const START_MS = 3_000;
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Opens no connection yet. */
export function createLocalAgent(settings: AgentSettings, nowMs: () => number): LocalAgent {
  const ask = async (method: 'GET' | 'PUT', path: string, body: Buffer): Promise<{ status: number; body: string }> => {
    const [secret] = settings.secrets;
    if (secret === undefined) throw new CommandError('The configuration of the agent has no secret to sign with');
    const headers = headersV1({ method, target: path, body }, secret, nowMs());
    const response = await sendOnceUp(settings, { method, path, headers, body });
    return { status: response.statusCode ?? 0, body: await text(response) };
  };
  return {
    async get<T>(path: string): Promise<T | null> {
      const { status, body } = await ask('GET', path, Buffer.alloc(0));
      if (status === 404) return null;
      const words = `The agent answers GET ${path} with ${String(status)}: ${wordsOf(body)}`;
      if (status === 400 || status === 422) throw new Refusal(words);
      if (status !== 200) throw new CommandError(words);
      return JSON.parse(body) as T;
    },
    async put<T>(path: string, body: object): Promise<T> {
      const answer = await ask('PUT', path, Buffer.from(JSON.stringify(body)));
      if (answer.status !== 200) throw new CommandError(`The agent refuses it: ${wordsOf(answer.body)}`);
      return JSON.parse(answer.body) as T;
    },
  };
}

function wordsOf(body: string): string {
  try {
    return (JSON.parse(body) as { error?: string }).error ?? body;
  } catch {
    return body.slice(0, 200);
  }
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An agent that systemd has just started listens within moments. */
async function sendOnceUp(settings: AgentSettings, sent: Sent): Promise<IncomingMessage> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await send(settings, sent);
    } catch (error) {
      if (!(error instanceof NotListening) || performance.now() - startedMs > START_MS) throw error;
      await sleep(200);
    }
  }
}

/** The agent was reached, and says no of this interface alone: it knows who asks, and whatever else is asked may be answered. */
export class Refusal extends CommandError {}

class NotListening extends CommandError {}

function send({ host, port, tls }: AgentSettings, { method, path, headers, body }: Sent): Promise<IncomingMessage> {
  const address = ANY_ADDRESS[host] ?? host;
  const place = { host: address, port, method, path, headers: { ...headers, 'content-length': String(body.length) } };
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const words = whyNot(error, `${address}:${String(port)}`);
      const known = error.code === 'ECONNREFUSED' ? new NotListening(words) : new CommandError(words);
      reject(error instanceof CommandError || error instanceof SettingsError ? error : known);
    };
    try {
      const own = tls === null ? null : { ...tls, fingerprint: readCertificate(tls.cert).fingerprint256 };
      // Its name need not be that of the loopback address: what counts is that it has the certificate of the file.
      const options = { ...place, rejectUnauthorized: false, agent: false, timeout: TIMEOUT_MS };
      const request = own === null ? httpRequest(options, resolve) : httpsRequest(options, resolve);
      request.on('timeout', () => request.destroy(new CommandError('The agent does not answer')));
      request.on('error', failed);
      if (own === null) {
        request.end(body);
        return;
      }
      // Written once the certificate was seen: a signature that somebody else gets could be replayed.
      request.on('socket', (socket) =>
        socket.once('secureConnect', () => {
          const theirs = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.fingerprint256 : undefined;
          if (theirs === own.fingerprint) request.end(body);
          else request.destroy(new CommandError(otherCertificate(own.cert)));
        }),
      );
    } catch (error) {
      failed(error as NodeJS.ErrnoException);
    }
  });
}

const otherCertificate = (file: string): string =>
  `What listens in the place of the agent has another certificate than ${file}: is it still the agent of before a change? See systemctl status wgnode-agent`;

function whyNot({ code = '', message }: NodeJS.ErrnoException, place: string): string {
  if (code === 'ECONNREFUSED')
    return `No agent listens at ${place}: start it with systemctl start wgnode-agent, and see journalctl -u wgnode-agent`;
  if (code.startsWith('ERR_SSL') || code === 'EPROTO' || code === 'ECONNRESET')
    return `The agent at ${place} breaks TLS off (${code}); with tls.clientCa it takes only clients that have a certificate, which this command has not`;
  return `The agent at ${place} cannot be asked: ${message}`;
}

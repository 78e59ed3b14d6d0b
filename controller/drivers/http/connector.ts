import { createHash, X509Certificate } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import {
  checkServerIdentity as checkIdentity,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { buildConnector } from 'undici';
import type { Secret } from '../../../agent/protocol/secret.ts';
import { AgentUnreachable } from './agent-failure.ts';
import type { UrlGuard } from './url-guard.ts';

/**
 * PEM texts; undefined = the system's authorities, no client certificate, the host of the URL. `pins`: SHA-256 of the key,
 * base64; empty = any.
 */
export interface AgentTlsOptions {
  /** PEM; undefined = the system's authorities. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: Secret | undefined;
  /** The name to verify; undefined = the URL's host. */
  readonly serverName: string | undefined;
  /** Base64 SHA-256 of public keys (SPKI), one of which must match; empty = no pin. */
  readonly pins: readonly string[];
}

/** `sawCertificate`: after every whole handshake, with the end of the certificate that was shown, Unix ms. */
export interface ConnectorOptions extends AgentTlsOptions {
  readonly sawCertificate?: (notAfterMs: number) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** The Connection Attempt Delay of RFC 8305. */
const STAGGER_MS = 250;
const MAX_ADDRESSES = 8;

// undici's own session cache holds weak references and loses all at a garbage collection; a lost session costs a full handshake.
const sessions = new LRUCache<string, Buffer>({ max: 10_000 });
// One context for equal material: Node keeps tens of kB for each until the next garbage collection.
const contexts = new LRUCache<string, SecureContext>({ max: 1_000 });

const hash = (text: string): string => createHash('sha256').update(text).digest('base64');

function contextOf({ ca, cert, key }: AgentTlsOptions): { context: SecureContext; id: string } {
  const id = hash(JSON.stringify([ca, cert, key?.reveal()]));
  const known = contexts.get(id);
  if (known !== undefined) return { context: known, id };
  const material = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key.reveal() }),
  };
  const context = createSecureContext({ ...material, minVersion: 'TLSv1.2' });
  contexts.set(id, context);
  return { context, id };
}

/** Dials the address that the guard checked, under the name that TLS verifies: a name that changes its mind in between gains nothing. */
export function createConnector(guard: UrlGuard, tls: ConnectorOptions): buildConnector.connector {
  return (options, callback) => {
    dial(guard, tls, options).then(
      (socket) => {
        callback(null, socket);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)), null);
      },
    );
  };
}

/** All addresses are tried, each a little after the one before, and the first that answers is taken (RFC 8305, section 5). */
async function dial(guard: UrlGuard, tls: ConnectorOptions, options: buildConnector.Options): Promise<Socket> {
  const port = Number(options.port || (options.protocol === 'http:' ? 80 : 443));
  const isPlain = options.protocol === 'http:';
  const { hostname } = options;
  const addresses = (await guard.resolve(hostname)).slice(0, MAX_ADDRESSES);
  const begin = (host: string): Attempt => {
    const socket = isPlain ? connectTcp({ host, port }) : startTls(tls, { host, port, hostname });
    socket.setKeepAlive(true, 15_000);
    return { socket, connected: connected(socket, isPlain ? 'connect' : 'secureConnect') };
  };
  return firstOf(addresses, begin, new AgentUnreachable('DNSFailed', `${hostname} has no address`));
}

interface Attempt {
  readonly socket: Socket;
  readonly connected: Promise<void>;
}

/** The socket that connects first; the others are closed. Throws what the first address said where none does. */
function firstOf(addresses: readonly string[], begin: (address: string) => Attempt, nothing: Error): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const failures: unknown[] = [];
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const end = (): void => {
      isOver = true;
      clearTimeout(timer);
      for (const socket of open) socket.destroy();
    };
    const beginNext = (): void => {
      clearTimeout(timer);
      const address = addresses[next];
      if (isOver || address === undefined) return;
      const index = next;
      next += 1;
      const { socket, connected: done } = begin(address);
      open.add(socket);
      timer = setTimeout(beginNext, STAGGER_MS);
      done.then(
        () => {
          open.delete(socket);
          if (isOver) {
            socket.destroy();
            return;
          }
          end();
          resolve(socket);
        },
        (error: unknown) => {
          open.delete(socket);
          failures[index] = error;
          if (isOver) return;
          beginNext();
          if (open.size > 0 || next < addresses.length) return;
          end();
          const [first] = failures;
          reject(first instanceof Error ? first : nothing);
        },
      );
    };
    if (addresses.length === 0) reject(nothing);
    else beginNext();
  });
}

function startTls(
  tls: ConnectorOptions,
  { host, port, hostname }: { host: string; port: number; hostname: string },
): TLSSocket {
  const name = tls.serverName ?? hostname.replace(/^\[|\]$/g, '');
  const { context, id } = contextOf(tls);
  // A resumed session skips the certificate check, so it counts only for the same name, authorities and pins.
  const sessionKey = `${host}:${String(port)} ${name} ${id} ${JSON.stringify(tls.pins)}`;
  const session = sessions.get(sessionKey);
  const isAddress = /^[0-9.]+$|:/.test(name);
  const socket = connectTls({
    host,
    port,
    secureContext: context,
    ALPNProtocols: ['http/1.1'],
    ...(isAddress ? {} : { servername: name }),
    ...(session === undefined ? {} : { session }),
    checkServerIdentity: (_host, certificate) => {
      tls.sawCertificate?.(Date.parse(certificate.valid_to));
      return checkIdentity(name, certificate) ?? pinProblem(certificate.raw, tls.pins);
    },
  });
  socket.on('session', (fresh: Buffer) => {
    if (socket.authorized) sessions.set(sessionKey, fresh);
  });
  return socket;
}

function connected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(new AgentUnreachable('ConnectionTimeout', 'The agent does not accept the connection in time'));
    }, CONNECT_TIMEOUT_MS);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    socket.once('error', fail);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve();
    });
  });
}

/** Judged in the handshake: a resumed session, which was pinned when it began, has no certificate to look at any more. */
function pinProblem(certificate: Buffer, pins: readonly string[]): Error | undefined {
  if (pins.length === 0) return undefined;
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  if (pins.includes(createHash('sha256').update(spki).digest('base64'))) return undefined;
  const text = "The public key of the agent's certificate is none of spec.agent.tls.spkiSha256";
  return new AgentUnreachable('TLSFailed', text);
}

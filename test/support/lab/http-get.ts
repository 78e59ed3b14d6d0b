import http from 'node:http';
import https from 'node:https';

export interface GetOptions {
  /** CA that the server's certificate must come from. */
  readonly ca?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

export interface GetResult {
  readonly status: number;
  readonly body: string;
}

/** GET over a connection of its own, so that a server that was restarted is never asked over a dead one. */
export function httpGet(url: string, { ca, headers = {}, timeoutMs = 30_000 }: GetOptions = {}): Promise<GetResult> {
  const options = {
    agent: false,
    headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(ca === undefined ? {} : { ca }),
  };
  const client = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.get(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.once('error', reject);
    });
    request.once('error', reject);
  });
}

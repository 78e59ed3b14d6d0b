import { connect } from 'node:net';

export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawRequest {
  readonly method: string;
  /** The request target exactly as it goes on the wire. */
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array | string;
}

/** The bytes of one HTTP/1.1 request: nothing is added but an end of the header block. */
export const rawBytes = ({ method, target, headers = [], body = '' }: RawRequest): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
      'latin1',
    ),
    Buffer.from(body),
  ]);

/** Writes bytes to 127.0.0.1 as they are and returns all answers that come until the server closes the connection. */
export function sendRaw(port: number, bytes: Uint8Array): Promise<RawReply[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(60_000, () => {
      socket.destroy(new Error('The server neither answered nor closed the connection within 60 s'));
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    // The server may close while we still write; what it answered before counts.
    socket.once('error', (error) => {
      if (chunks.length === 0) reject(error);
    });
    socket.once('close', () => {
      resolve(parseReplies(Buffer.concat(chunks)));
    });
    socket.write(bytes);
  });
}

function parseReplies(bytes: Buffer): RawReply[] {
  const replies: RawReply[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`No end of the header block in ${JSON.stringify(rest.toString('latin1'))}`);
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = new Map(lines.map((line) => headerOf(line)));
    const length = Number(headers.get('content-length') ?? 0);
    const body = rest.subarray(end + 4, end + 4 + length).toString('utf8');
    replies.push({ status: Number(statusLine.split(' ')[1]), headers, body });
    rest = rest.subarray(end + 4 + length);
  }
  return replies;
}

const headerOf = (line: string): [string, string] => {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
};

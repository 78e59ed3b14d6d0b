/** The floor of a GET: an HTTPS server that verifies the signature, answers 304 and does nothing else. Arguments: port, secret file. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { verifyV1 } from '../../agent/protocol/signature-v1.ts';
import { Secret } from '../../agent/protocol/secret.ts';

const [port = '', secretFile = ''] = process.argv.slice(2);
const secrets = [new Secret(readFileSync(secretFile, 'utf8').trim())];
const files = { cert: readFileSync('/etc/wgnode/tls.crt'), key: readFileSync('/etc/wgnode/tls.key') };
const EMPTY = Buffer.alloc(0);
const text = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

createServer({ ...files, keepAlive: true }, (request, response) => {
  const verification = verifyV1({
    method: request.method ?? '',
    target: request.url ?? '',
    body: EMPTY,
    timestamp: text(request.headers['x-timestamp']),
    signature: text(request.headers['x-signature']),
    secrets,
    nowMs: Date.now(),
    maxAgeSeconds: 300,
  });
  response.writeHead(verification.ok ? 304 : 401, { etag: '"x"' }).end();
}).listen(Number(port), '0.0.0.0');

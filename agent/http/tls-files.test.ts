import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync, renameSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../test/support/until.ts';
import { init } from '../cli/init.ts';
import { renew } from '../cli/renew.ts';
import { createCommandRunner } from '../host/command-runner.ts';
import { createLogger } from '../log.ts';
import type { TlsFiles } from '../settings.ts';
import { followTls, readTls } from './tls-files.ts';

let folder: string;
let tls: TlsFiles;
const runner = createCommandRunner();
const RENEWAL = { addresses: [], hasNewKey: false, isForced: false, used: null };
const options = { name: 'fra1', addresses: ['127.0.0.1', 'fra1.example.net'] };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-tls-'));
  await init(folder, runner, options);
  tls = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), clientCa: null };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('certificate and key are refused in a sentence with the file and the cure', () => {
  test.each([
    [
      'no certificate',
      () => {
        rmSync(tls.cert);
      },
      /tls\.cert: there is no .*tls\.crt: run wgnode-agent init/,
    ],
    [
      'no key',
      () => {
        rmSync(tls.key);
      },
      /there is no .*tls\.key/,
    ],
    [
      'a certificate that is none',
      () => {
        writeFileSync(tls.cert, 'x');
      },
      /tls\.crt holds no certificate in PEM/,
    ],
    [
      'a key that is none',
      () => {
        writeFileSync(tls.key, 'x');
      },
      /tls\.key holds no private key in PEM/,
    ],
    [
      'a key for all to read',
      () => {
        chmodSync(tls.key, 0o644);
      },
      /run chmod 600/,
    ],
    [
      'the key of another',
      () => {
        writeFileSync(tls.key, readFileSync(join(folder, 'ca.key')));
      },
      /is not the key of/,
    ],
  ])('%s', (_, harm, message) => {
    harm();
    expect(() => readTls(tls)).toThrow(message);
  });
});

describe('files that change', () => {
  let server: Server;
  let stop: () => void;
  beforeEach(async () => {
    server = createServer(readTls(tls));
    stop = followTls(server, tls, createLogger('error'), 5);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
  afterEach(async () => {
    stop();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Of the certificate that a new connection is shown; fails where the authority does not vouch for it. */
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const ca = readFileSync(join(folder, 'ca.crt'));
      const socket = connect({ host: '127.0.0.1', port, ca, servername: 'fra1.example.net' }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.end();
      });
      socket.on('error', reject);
    });

  test('renew: every connection before, meanwhile and after is served, and in the end by the new certificate', async () => {
    const first = await shown();
    const progress = { isOver: false };
    const renewed = renew(folder, runner, RENEWAL).finally(() => (progress.isOver = true));
    const all = [];
    while (!progress.isOver) all.push(await shown());
    await renewed;
    expect(new Set(all).size).toBeLessThanOrEqual(2);
    await until('the new certificate to be shown', async () => (await shown()) !== first, { intervalMs: 5 });
  });

  test('what does not fit together is not taken up; once it does, it is', async () => {
    const first = await shown();
    const old = readFileSync(tls.key);
    await renew(folder, runner, { ...RENEWAL, hasNewKey: true });
    await until('the new certificate to be shown', async () => (await shown()) !== first, { intervalMs: 5 });
    const second = await shown();
    writeFileSync(tls.key, old);
    for (let look = 0; look < 5; look += 1) expect(await shown()).toBe(second);
    await renew(folder, runner, { ...RENEWAL, hasNewKey: true });
    await until('another one to be shown', async () => (await shown()) !== second, { intervalMs: 5 });
  });

  test('the layout of cert-manager: links to a folder that is exchanged', async () => {
    const first = await shown();
    const other = join(folder, 'other');
    await init(other, runner, options);
    for (const file of ['tls.crt', 'tls.key', 'ca.crt']) {
      symlinkSync(join(other, file), join(folder, `${file}.link`));
      renameSync(join(folder, `${file}.link`), join(folder, file));
    }
    await until('the other certificate to be shown', async () => (await shown()) !== first, { intervalMs: 5 });
  });
});

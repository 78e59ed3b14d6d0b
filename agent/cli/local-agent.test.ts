import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newSecretText } from '../../test/support/canary.ts';
import { parseSettings } from '../settings.ts';
import { enroll } from './enroll.ts';
import { createLocalAgent } from './local-agent.ts';
import { status } from './status.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-local-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each([
  ['is missing', null, /there is no .*tls\.crt: run wgnode-agent init/],
  ['is empty', '', /tls\.crt holds no certificate in PEM.*wgnode-agent init/],
  ['is garbage', 'garbage', /tls\.crt holds no certificate in PEM.*wgnode-agent init/],
  [
    'is PEM of garbage',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    /tls\.crt holds no certificate in PEM.*wgnode-agent init/,
  ],
])('a certificate that %s is told with the cure', async (_, text, expected) => {
  const cert = join(folder, 'tls.crt');
  if (text !== null) writeFileSync(cert, text);
  const tls = JSON.stringify({ cert, key: join(folder, 'tls.key') });
  const settings = parseSettings(`{tls: ${tls}, secrets: [${newSecretText()}]}`, {});
  const agent = createLocalAgent(settings, Date.now);
  const known = { code: 'settings', message: expect.stringMatching(expected) };
  await expect(agent.get('/v1/wg/wg0/config')).rejects.toMatchObject(known);
  const sources = { settings, agent, nowMs: 0, auditFolder: folder };
  await expect(status(sources, { names: [], isWide: false })).rejects.toMatchObject(known);
  const options = { interfaces: ['wg0'], namespace: 'edge', mode: 'Observe', address: null, name: 'fra1' } as const;
  await expect(enroll({ settings, agent, configFolder: folder }, options)).rejects.toMatchObject(known);
});

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { aConfig, aPeer, PEER_A, PEER_B } from '../../test/fixtures/device.ts';
import { cidr } from '../../test/fixtures/cidr.ts';
import { deviceOf, MemoryBackend } from '../../test/support/memory-backend.ts';
import { createHost } from '../host/host.ts';
import type { AuditEntry } from '../core/audit-record.ts';
import type { Logger } from '../log.ts';
import { openStateFolder } from '../host/state-folder.ts';
import { parseDocument, peerKeys } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { changePeers, finishPeerEdits } from './change-peers.ts';
import { createInterfaces, type ManagedInterface } from './managed-interface.ts';

const FILE = `${render([], aConfig())}\n[Peer]\nPublicKey = ${PEER_A}\nAllowedIPs = 10.7.0.2/32\n`;
const silent = (): void => undefined;
const EDITS = { set: [{ publicKey: PEER_B, allowedIps: [cidr('10.7.0.2/32')] }], removed: [] };

/** Lines of the audit log. */
let written: AuditEntry[];
let root: string;
let backend: MemoryBackend;
let target: ManagedInterface;

beforeEach(async () => {
  written = [];
  root = await mkdtemp(join(tmpdir(), 'wgnode-peers-'));
  const configFolder = join(root, 'wireguard');
  await mkdir(configFolder);
  const none = (): never => {
    throw new Error('No process is needed');
  };
  const runner = { spawned: new Map(), run: none, follow: none };
  const log = { error: silent, warn: silent, info: silent, debug: silent } as unknown as Logger;
  const write = (entry: AuditEntry): void => void written.push(entry);
  const audit = { mustBeWritable: silent, write, sync: () => Promise.resolve() };
  const state = await openStateFolder(join(root, 'state'));
  const hooks = { mode: 'grammar', allowed: [] } as const;
  const limits = { hookTimeoutMs: 1_000 };
  const host = createHost({ runner, state, log, audit, limits, hooks, configFolder, nowMs: () => 0 });
  backend = new MemoryBackend();
  backend.device = deviceOf(aConfig(), [aPeer()]);
  target = createInterfaces(host, backend).open('wg0');
  await writeFile(target.path, FILE);
});
afterEach(() => rm(root, { recursive: true }));

const peers = (): string[] =>
  (backend.device?.peers ?? []).map(({ publicKey, allowedIps }) => `${publicKey} ${allowedIps.join()}`).sort();
const asBefore = [`${PEER_A} 10.7.0.2/32`];
const isDone = async (): Promise<boolean> =>
  peers().includes(`${PEER_B} 10.7.0.2/32`) && (await readFile(target.path, 'utf8')).includes(PEER_B);

test('N20: a kernel that refuses leaves file and peers as they were', async () => {
  backend.failures.set('setPeers', 1);
  await expect(changePeers(target, EDITS)).rejects.toMatchObject({ code: 'apply_failed', rolledBack: true });
  expect([peers(), await readFile(target.path, 'utf8'), await target.state.readPeerEdits()]).toEqual([
    asBefore,
    FILE,
    null,
  ]);
});

test('N20: a file that cannot be written takes the kernel back, and who lost an address to the new peer has it again', async () => {
  const failing = { ...target, writeFile: () => Promise.reject(new Error('ENOSPC')) };
  await expect(changePeers(failing, EDITS)).rejects.toMatchObject({ code: 'apply_failed', rolledBack: true });
  expect([peers(), await readFile(target.path, 'utf8'), await target.state.readPeerEdits()]).toEqual([
    asBefore,
    FILE,
    null,
  ]);
});

test.each(['before anything', 'after the kernel', 'after the file'])(
  'a crash %s is finished at the next start',
  async (when) => {
    await target.state.writePeerEdits(EDITS);
    if (when !== 'before anything') await changePeers(target, EDITS);
    await target.state.writePeerEdits(EDITS);
    if (when === 'after the kernel') await writeFile(target.path, FILE);
    expect(await finishPeerEdits(target)).toBe(true);
    const outcome = when === 'after the file' ? 'unchanged' : 'changed';
    expect(written).toMatchObject([{ kind: 'change', verb: 'recover', outcome, interface: 'wg0' }]);
    expect([await isDone(), await target.state.readPeerEdits()]).toEqual([true, null]);
    expect(await finishPeerEdits(target)).toBe(false);
  },
);

test('D8: what somebody else writes meanwhile stays, and the kernel is taken back', async () => {
  const meddled = `${FILE}# by hand\n`;
  const late = {
    ...target,
    readFile: async () => {
      const text = await target.readFile();
      await writeFile(target.path, meddled);
      return text;
    },
  };
  await expect(changePeers(late, EDITS)).rejects.toMatchObject({ code: 'digest_mismatch' });
  expect([peers(), await readFile(target.path, 'utf8')]).toEqual([asBefore, meddled]);
});

test('what cannot be made any more, as its interface is gone, is not tried for ever', async () => {
  await target.state.writePeerEdits(EDITS);
  await target.removeFile();
  backend.device = null;
  expect(await finishPeerEdits(target)).toBe(true);
  expect(await target.state.readPeerEdits()).toBe(null);
  expect(written).toMatchObject([{ verb: 'recover', outcome: 'not_found' }]);
});

describe('H30: what the device came up from follows a change of its peers', () => {
  const noted = async (): Promise<readonly string[]> =>
    peerKeys(parseDocument((await target.state.readRunning()) ?? ''));
  const CAME_UP = `# as it came up\n${FILE}`;

  test('so that it is known when it goes from the file', async () => {
    await target.state.writeRunning(CAME_UP);
    await changePeers(target, EDITS);
    expect(await noted()).toEqual([PEER_A, PEER_B]);
    expect(await target.state.readRunning()).toContain('# as it came up\n');
  });

  test('where file and kernel had it already, too', async () => {
    await changePeers(target, EDITS);
    await target.state.writeRunning(CAME_UP);
    expect(await changePeers(target, EDITS)).toBe(false);
    expect(await noted()).toEqual([PEER_A, PEER_B]);
  });

  test('and is as it was where the change fails', async () => {
    await target.state.writeRunning(CAME_UP);
    const failing = { ...target, writeFile: () => Promise.reject(new Error('ENOSPC')) };
    await expect(changePeers(failing, EDITS)).rejects.toMatchObject({ rolledBack: true });
    expect(await target.state.readRunning()).toBe(CAME_UP);
  });

  test('of a device that somebody else brought up it is the file', async () => {
    await changePeers(target, EDITS);
    expect(await noted()).toEqual([PEER_A, PEER_B]);
    expect(await target.state.readLedger()).toMatchObject({ index: backend.device?.index, baseline: null });
  });

  test('where nothing changes on a device of somebody else, nothing is noted', async () => {
    await changePeers(target, { set: [], removed: [PEER_B] });
    expect(await target.state.readRunning()).toBe(null);
  });
});

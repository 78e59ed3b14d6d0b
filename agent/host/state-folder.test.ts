import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { Secret } from '../protocol/secret.ts';
import { newPrivateKey } from '../../test/support/canary.ts';
import { aDevice, aPeer } from '../../test/fixtures/device.ts';
import { type JournalEntry, openStateFolder } from './state-folder.ts';

const temporaryFolder = (): ReturnType<typeof mkdtempDisposable> => mkdtempDisposable(join(tmpdir(), 'state-folder-'));
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

const ENTRY: JournalEntry = {
  fileText: '[Interface]\r\n# \u2028 "ü"\n',
  attemptedText: null,
  previousLedger: null,
  runningText: null,
  previousDevice: null,
  previousDesired: 'up',
  disrupted: false,
  steps: [{ action: 'set-mtu', path: 'spec.interface.mtu', impact: 'None' }],
};

test('an empty folder knows nothing', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(join(folder.path, 'wgnode'));
  expect(await state.open('wg0').readRunning()).toBeNull();
  expect(await state.open('wg0').readDesired()).toBeNull();
  expect(await state.desiredUp()).toEqual([]);
  expect(await state.unfinished()).toEqual([]);
  expect(await state.open('wg0').readJournal()).toBeNull();
});

test('N6: everything is closed to others', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'wgnode');
  const state = await openStateFolder(path);
  await state.open('wg0').writeRunning('key');
  await state.open('wg0').writeJournal(ENTRY);
  const folders = [path, ...['running', 'wanted', 'journal'].map((name) => join(path, name))];
  expect(await Promise.all(folders.map(modeOf))).toEqual(['700', '700', '700', '700']);
  const files = [join(path, 'identity.json'), state.open('wg0').runningPath, join(path, 'journal', 'wg0')];
  expect(await Promise.all(files.map(modeOf))).toEqual(['600', '600', '600']);
});

describe('identity', () => {
  test('stays with the folder', async () => {
    await using folder = await temporaryFolder();
    const [first, second] = [await openStateFolder(folder.path), await openStateFolder(folder.path)];
    expect(second.epoch).toBe(first.epoch);
    expect(second.digestKey.equals(first.digestKey)).toBe(true);
  });

  test('is new with a new folder', async () => {
    await using folder = await temporaryFolder();
    const first = await openStateFolder(join(folder.path, 'a'));
    const second = await openStateFolder(join(folder.path, 'b'));
    expect(second.epoch).not.toBe(first.epoch);
    expect(second.digestKey.equals(first.digestKey)).toBe(false);
  });
});

describe('the running copy', () => {
  test('survives a restart of the agent byte for byte', async () => {
    await using folder = await temporaryFolder();
    const text = '\ufeff[Interface]\r\nMTU = 1400\0';
    await (await openStateFolder(folder.path)).open('wg0').writeRunning(text);
    expect(await (await openStateFolder(folder.path)).open('wg0').readRunning()).toBe(text);
  });

  test('is a path that wg-quick takes as that interface', async () => {
    await using folder = await temporaryFolder();
    const state = await openStateFolder(folder.path);
    expect(state.open('wg0').runningPath).toMatch(/^\/.*\/wg0\.conf$/);
  });

  test('goes when the interface is down, and once more', async () => {
    await using folder = await temporaryFolder();
    const state = await openStateFolder(folder.path);
    await state.open('wg0').writeRunning('a');
    await state.open('wg0').writeRunning(null);
    await state.open('wg0').writeRunning(null);
    expect(await state.open('wg0').readRunning()).toBeNull();
  });
});

test('what is wanted up is listed, and only that', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  await state.open('wg0').writeDesired('up');
  await state.open('wg1').writeDesired('down');
  await state.open('wg2').writeDesired('up');
  await state.open('wg3').writeDesired('up');
  await state.open('wg3').writeDesired(null);
  expect((await state.desiredUp()).sort()).toEqual(['wg0', 'wg2']);
  expect(await Promise.all(['wg1', 'wg3'].map((name) => state.open(name).readDesired()))).toEqual(['down', null]);
});

test('I2: a journal survives a restart of the agent as it was, until it is closed', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  const other = { ...ENTRY, fileText: null, previousDesired: null, disrupted: true };
  await state.open('wg0').writeJournal(ENTRY);
  await state.open('wg1').writeJournal(other);
  const again = await openStateFolder(folder.path);
  expect((await again.unfinished()).sort()).toEqual(['wg0', 'wg1']);
  expect(await again.open('wg0').readJournal()).toEqual(ENTRY);
  expect(await again.open('wg1').readJournal()).toEqual(other);
  await again.open('wg0').writeJournal(null);
  expect(await again.unfinished()).toEqual(['wg1']);
});

const ROUTE = { destination: cidr('10.9.0.0/16'), table: 'main', attributes: 'via 10.7.0.2 metric 50' };

test('I1: the live peers of a journal come back whole, keys included, and stay closed to print', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  const [privateKey, presharedKey] = [newPrivateKey(), newPrivateKey()];
  const peer = { ...aPeer({ allowedIps: [cidr('10.7.0.2/32')] }), presharedKey: new Secret(presharedKey) };
  const entry = {
    ...ENTRY,
    previousDevice: aDevice({ peers: [peer], routes: [ROUTE], key: InterfaceKey.fromPrivate(new Secret(privateKey)) }),
  };
  await state.open('wg0').writeJournal(entry);
  const read = await state.open('wg0').readJournal();
  expect(read?.previousDevice?.key?.privateKey?.reveal()).toBe(privateKey);
  expect(read?.previousDevice?.peers[0]?.presharedKey?.reveal()).toBe(presharedKey);
  expect(read?.previousDevice?.peers[0]?.allowedIps).toEqual([cidr('10.7.0.2/32')]);
  expect(read?.previousDevice?.routes).toEqual([ROUTE]);
  expect(JSON.stringify(read)).not.toContain(presharedKey);
});

test('I2: the journal of an agent before 0.2 is rolled back, too', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  const [privateKey, presharedKey] = [newPrivateKey(), newPrivateKey()];
  const peer = { publicKey: 'x', endpoint: null, allowedIps: ['10.7.0.2/32'], keepalive: 25 };
  const counted = { latestHandshake: 1, rxBytes: 2, txBytes: 3 };
  const formerLive = {
    privateKey,
    publicKey: 'x',
    listenPort: 1,
    fwMark: null,
    peers: [{ ...peer, ...counted, presharedKey }],
    addresses: [],
    mtu: 1400,
    linkUp: true,
    routes: [{ destination: '10.9.0.0/24', table: 'main' }],
  };
  const text = JSON.stringify({ fileText: 'f', runningText: 'r', formerLive, formerWanted: 'up', disrupted: true });
  await writeFile(join(folder.path, 'journal', 'wg0'), text);
  const entry = await state.open('wg0').readJournal();
  expect(entry).toMatchObject({ fileText: 'f', runningText: 'r', previousDesired: 'up', disrupted: true, steps: [] });
  expect(entry?.previousDevice?.key?.privateKey?.reveal() === privateKey).toBe(true);
  expect(entry?.previousDevice?.mtu).toBe(1400);
  expect(entry?.previousDevice?.peers).toMatchObject([{ ...peer, ...counted }]);
  expect(entry?.previousDevice?.peers[0]?.presharedKey?.reveal() === presharedKey).toBe(true);
  expect(entry?.previousDevice?.routes).toEqual([{ destination: '10.9.0.0/24', table: 'main' }]);
});

test('N8: a journal that cannot be read is an error that does not quote it', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  await writeFile(join(folder.path, 'journal', 'wg0'), '{"fileText":"PrivateKey = c0ffee');
  const error: unknown = await state
    .open('wg0')
    .readJournal()
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'internal' });
  expect(inspect(error)).not.toContain('c0ffee');
});

test('what does not change is not written', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  await state.open('wg0').writeRunning('a');
  const { ino } = await stat(state.open('wg0').runningPath);
  await state.open('wg0').writeRunning('a');
  expect((await stat(state.open('wg0').runningPath)).ino).toBe(ino);
});

test('temporary files that a crash left are removed at the start', async () => {
  await using folder = await temporaryFolder();
  await openStateFolder(folder.path);
  const folders = ['.', 'running', 'wanted', 'journal'];
  for (const name of folders) await writeFile(join(folder.path, name, '.wgnode-wg0.0123456789ab'), 'up');
  const state = await openStateFolder(folder.path);
  const left = await Promise.all(folders.map((name) => readdir(join(folder.path, name))));
  expect(left.flat().filter((name) => name.startsWith('.'))).toEqual([]);
  expect(await state.desiredUp()).toEqual([]);
});

test('after a reboot nothing runs that was brought up before it; what is wanted and the journal stay', async () => {
  await using folder = await temporaryFolder();
  const state = await openStateFolder(folder.path);
  await state.open('wg0').writeRunning('a');
  await state.open('wg0').writeDesired('up');
  await state.open('wg0').writeJournal(ENTRY);
  await writeFile(join(folder.path, 'boot-id'), 'that of a previous boot');
  const again = await openStateFolder(folder.path);
  expect(await again.open('wg0').readRunning()).toBeNull();
  expect(await again.desiredUp()).toEqual(['wg0']);
  expect(await again.unfinished()).toEqual(['wg0']);
});

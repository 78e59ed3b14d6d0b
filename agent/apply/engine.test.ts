import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aPeer, PEER_B } from '../../test/fixtures/device.ts';
import { deviceOf, MemoryBackend } from '../../test/support/memory-backend.ts';
import type { CommandRunner } from '../host/command-runner.ts';
import { createHost } from '../host/host.ts';
import { openStateFolder } from '../host/state-folder.ts';
import type { Logger } from '../log.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { render } from '../protocol/wgquick/render.ts';
import { apply } from './engine.ts';
import { createInterfaces, type ManagedInterface } from './managed-interface.ts';
import { planFor } from './plan.ts';
import { recover } from './recover.ts';
import { readSnapshot } from './snapshot.ts';

const silent = (): undefined => undefined;
const log = { error: silent, warn: silent, info: silent, debug: silent } as unknown as Logger;
/** How each hook ends, by its text; nothing else but the backend may touch the host. */
let exitCodes: Map<string, number[]>;
const hookOf = (args: readonly string[]): string => (args.includes('-c') ? (args.at(-1) ?? '') : '');
const runner: CommandRunner = {
  spawned: new Map(),
  run: (program, args) => {
    if (program === 'wg') return Promise.resolve({ exitCode: 0, stdout: 'wireguard-tools v1.0.20260223', stderr: '' });
    if (program !== 'bash') return Promise.reject(new Error(`The engine runs ${program}`));
    ran.push(hookOf(args));
    return Promise.resolve({ exitCode: exitCodes.get(hookOf(args))?.shift() ?? 0, stdout: '', stderr: '' });
  },
  follow: () => ({ pid: undefined, stop: silent }),
};

const FILE = render([], aConfig());

/** The hooks that ran. */
let ran: string[];

let root: string;
let backend: MemoryBackend;
let target: ManagedInterface;

beforeEach(async () => {
  ran = [];
  exitCodes = new Map<string, number[]>();
  root = await mkdtemp(join(tmpdir(), 'wgnode-engine-'));
  const configFolder = join(root, 'wireguard');
  await mkdir(configFolder);
  const state = await openStateFolder(join(root, 'state'));
  const limits = { hookTimeoutMs: 1_000 };
  const hooks = { mode: 'shell', allowed: [] } as const;
  const audit = { mustBeWritable: () => undefined, write: () => undefined, sync: () => Promise.resolve() };
  const host = createHost({ runner, state, log, audit, limits, hooks, configFolder, nowMs: () => 0 });
  backend = new MemoryBackend();
  target = createInterfaces(host, backend).open('wg0');
  await writeFile(target.path, FILE);
});
afterEach(() => rm(root, { recursive: true }));

/** A tunnel that runs as its file says, brought up by us. */
async function running(): Promise<void> {
  backend.device = deviceOf(aConfig(), backend.filePeers);
  await target.state.writeRunning(FILE);
  await target.state.writeLedger({ index: backend.device.index, baseline: backend.device, hooks: [], unseen: [] });
}

async function change(over: Partial<InterfaceConfig>): Promise<unknown> {
  const before = await readSnapshot(target);
  const plan = planFor(before, { config: aConfig(over), state: 'up', remember: false });
  return apply(target, plan).catch((error: unknown) => error);
}

const left = async (): Promise<object> => ({
  file: await readFile(target.path, 'utf8'),
  running: await target.state.readRunning(),
  journal: await target.state.readJournal(),
});
const asBefore = { file: FILE, running: FILE, journal: null };

describe('a live change', () => {
  beforeEach(running);

  test('is read once to plan it and once to prove it', async () => {
    await change({ mtu: 1_300, addresses: [cidr('10.7.0.1/24'), cidr('10.7.1.1/24')] });
    expect([backend.calls, backend.reads]).toEqual([['configure'], 2]);
    expect(backend.device?.mtu).toBe(1_300);
    const text = render([], aConfig({ mtu: 1_300, addresses: [cidr('10.7.0.1/24'), cidr('10.7.1.1/24')] }));
    expect(await left()).toEqual({ file: text, running: text, journal: null });
  });

  test('I6: that is there already is read once and touches nothing', async () => {
    await change({});
    expect([backend.calls, backend.reads]).toEqual([[], 1]);
    expect(await left()).toEqual(asBefore);
  });

  test('that somebody else disturbs is repaired, as far as the approved impact goes', async () => {
    backend.meanwhile = () => {
      backend.meanwhile = silent;
      if (backend.device !== null) backend.device = { ...backend.device, mtu: 9_000 };
    };
    await change({ mtu: 1_300 });
    expect([backend.calls, backend.reads, backend.device?.mtu]).toEqual([['configure', 'configure'], 3, 1_300]);
  });

  test('whose repair would do more to traffic than was approved is undone', async () => {
    const other = InterfaceKey.fromPublic('other=');
    backend.meanwhile = () => {
      backend.meanwhile = silent;
      if (backend.device !== null) backend.device = { ...backend.device, key: other };
    };
    expect(await change({ mtu: 1_300 })).toMatchObject({ code: 'apply_failed', rolledBack: true });
    expect([backend.device?.mtu, backend.device?.key?.publicKey]).toEqual([1_400, aConfig().privateKey?.publicKey]);
    expect(await left()).toEqual(asBefore);
  });

  test('tells of all that lacks and cannot be put back: the first ones by themselves, the others by their number', async () => {
    const lost = Array.from({ length: 11 }, (_, at) => ({
      destination: cidr(`10.9.${String(at)}.0/24`),
      table: 'main',
    }));
    const ledger = await target.state.readLedger();
    const baseline = deviceOf(aConfig(), backend.filePeers);
    if (ledger !== null)
      await target.state.writeLedger({ ...ledger, baseline: { ...baseline, routes: [...baseline.routes, ...lost] } });
    backend.meanwhile = () => backend.failures.set('configure', 100);
    expect(await change({ mtu: 1_300 })).toMatchObject({ outageMs: 0 });
    expect(target.warnings).toHaveLength(9);
    expect(target.warnings.at(-1)).toContain('3 more');
  });

  test('I2: that fails leaves file, device and memory as they were', async () => {
    backend.failures.set('configure', 1);
    expect(await change({ mtu: 1_300 })).toMatchObject({ code: 'apply_failed', rolledBack: true });
    expect(backend.device).toEqual(deviceOf(aConfig(), backend.filePeers));
    expect(await left()).toEqual(asBefore);
  });
});

describe('a restart', () => {
  beforeEach(running);

  test('I1: brings back what only the kernel had: peers, and the port where the file leaves it open', async () => {
    const learnt = aPeer({ publicKey: PEER_B, endpoint: '198.51.100.7:5', allowedIps: [cidr('10.9.0.2/32')] });
    backend.device = { ...deviceOf(aConfig(), [aPeer(), learnt]), listenPort: 41_414 };
    await change({ table: 'off', listenPort: null });
    expect(backend.calls).toEqual(['down', 'up', 'restore']);
    expect(backend.device.peers.map(({ publicKey }) => publicKey)).toContain(PEER_B);
    expect(backend.device.listenPort).toBe(41_414);
  });

  test('that does not come up leaves the previous tunnel running', async () => {
    backend.failures.set('up', 1);
    expect(await change({ table: 'off' })).toMatchObject({ code: 'apply_failed', rolledBack: true });
    expect(backend.calls).toEqual(['down', 'up', 'up', 'restore']);
    expect(backend.device?.mtu).toBe(1_400);
    expect(await left()).toMatchObject({ file: FILE, journal: null });
  });

  test('I3: that cannot be undone either keeps its journal; the next attempt brings the tunnel back', async () => {
    backend.failures.set('up', 2);
    expect(await change({ table: 'off' })).toMatchObject({ code: 'apply_failed', rolledBack: false });
    expect(backend.device).toBeNull();
    expect(await target.state.readJournal()).not.toBeNull();
    expect(await recover(target)).toBe(true);
    expect(backend.device).not.toBeNull();
    expect(await left()).toEqual(asBefore);
  });
});

describe('the way back of a restart', () => {
  const config = aConfig({ dns: ['10.7.0.53'], postUp: ['one', 'two'], postDown: ['-one', '-two'] });
  const text = render([], config);
  const hooks = (): Promise<unknown> => target.state.readLedger().then((ledger) => ledger?.hooks);

  beforeEach(async () => {
    await writeFile(target.path, text);
    backend.device = deviceOf(config, backend.filePeers);
    await target.state.writeRunning(text);
    await target.state.writeLedger({ index: backend.device.index, baseline: backend.device, hooks: [], unseen: [] });
  });

  test('goes on without a hook and name servers that fail, and says so', async () => {
    exitCodes.set('one', [1, 1]);
    backend.failures.set('resolver', 2);
    // Forth the resolver fails, and back it fails again.
    const answer = await change({ ...config, table: 'off' });
    expect(answer).toMatchObject({ code: 'apply_failed', rolledBack: true });
    const warnings = [expect.stringContaining('resolvconf'), expect.stringContaining('postUp[0]')];
    expect(answer).toMatchObject({ details: warnings, message: warnings[1] });
    expect(backend.device?.peers).toEqual(backend.filePeers);
    expect(ran).toEqual(['-one', '-two', 'one', 'two']);
    expect(await hooks()).toMatchObject([
      { command: 'one', outcome: 'failed' },
      { command: 'two', outcome: 'done' },
    ]);
  });

  test('after a crash does so, too', async () => {
    backend.failures.set('up', 2);
    expect(await change({ ...config, table: 'off' })).toMatchObject({ rolledBack: false });
    exitCodes.set('two', [1]);
    expect(await recover(target)).toBe(true);
    expect(backend.device).not.toBeNull();
    expect(target.warnings).toEqual([expect.stringContaining('postUp[1]')]);
    expect(await left()).toEqual({ file: text, running: text, journal: null });
  });

  test('of hooks tells that one cannot be set up again', async () => {
    exitCodes.set('three', [1]).set('one', [1]);
    const answer = await change({ ...config, postUp: ['three', 'two'], postDown: ['-three', '-two'] });
    expect(answer).toMatchObject({ code: 'apply_failed', rolledBack: true });
    expect(target.warnings).toEqual([expect.stringContaining('set up again')]);
    expect(await hooks()).toMatchObject([{ command: 'one', outcome: 'failed' }]);
  });
});

describe('a device', () => {
  const up = async (): Promise<unknown> => {
    const before = await readSnapshot(target);
    return apply(target, planFor(before, { config: aConfig(), state: 'up', remember: false })).catch(
      (error: unknown) => error,
    );
  };

  test('case H7: whose hook sets an MTU comes up with it, without a repair', async () => {
    backend.hooked = (device) => ({ ...device, mtu: 1_300 });
    await up();
    expect([backend.calls, backend.device?.mtu]).toEqual([['up', 'restore'], 1_300]);
    expect((await readSnapshot(target)).ledger).toMatchObject({ baseline: { mtu: 1_300 } });
  });

  test('case H2: that somebody else made since is theirs: its file as it is now says what it runs with', async () => {
    await up();
    const edited = render([], aConfig({ postDown: ['theirs'] }));
    await writeFile(target.path, edited);
    backend.device = deviceOf(aConfig(), backend.filePeers, 999);
    const { runningText, running: known, ledger } = await readSnapshot(target);
    expect([runningText, known.postDown, ledger]).toEqual([null, ['theirs'], null]);
  });

  test('of which a live change was made has a baseline with that change', async () => {
    backend.hooked = (device) => ({ ...device, fwMark: 99 });
    await up();
    await change({ mtu: 1_300 });
    expect((await readSnapshot(target)).ledger?.baseline).toMatchObject({ mtu: 1_300, fwMark: 99 });
    if (backend.device !== null) backend.device = { ...backend.device, mtu: 1_400 };
    backend.calls.length = 0;
    await change({ mtu: 1_300 });
    // Peers are greeted a little after an up.
    const calls = backend.calls.filter((call) => call !== 'restore');
    expect([calls, backend.device?.mtu]).toEqual([['configure'], 1_300]);
  });
});

test('a file that somebody else changed after it was read is not overwritten', async () => {
  await running();
  const before = await readSnapshot(target);
  const plan = planFor(before, { config: aConfig({ mtu: 1_300 }), state: 'up', remember: false });
  await writeFile(target.path, `${FILE}# mine\n`);
  await expect(apply(target, plan)).rejects.toMatchObject({ code: 'digest_mismatch' });
  expect([backend.calls, await readFile(target.path, 'utf8')]).toEqual([[], `${FILE}# mine\n`]);
});

describe('case H4b: a device without a file', () => {
  beforeEach(async () => {
    await rm(target.path);
    backend.device = deviceOf(aConfig(), [aPeer(), aPeer({ publicKey: PEER_B, allowedIps: [cidr('10.9.0.2/32')] })]);
  });

  test('has its peers in the file that a change makes', async () => {
    await change({ mtu: 1_300 });
    const text = await readFile(target.path, 'utf8');
    for (const { publicKey } of backend.device?.peers ?? []) expect(text).toContain(`PublicKey = ${publicKey}`);
    expect(text).toContain('MTU = 1300');
  });

  test('has none again when the change fails', async () => {
    backend.failures.set('configure', 1);
    expect(await change({ mtu: 1_300 })).toMatchObject({ code: 'apply_failed', rolledBack: true });
    await expect(readFile(target.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FieldName } from '../../agent/protocol/wgquick/fields.ts';
import { compare } from '../../agent/protocol/compare.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import { cidr } from '../fixtures/cidr.ts';
import { newPrivateKey } from '../support/canary.ts';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { CALLS, NAME, OldScene } from './support/old-host.ts';

// The second driver against a model of the WGDashboard node agent 2.2.0; numbers are those of `agent-contract`, sections 6 and 7.

let scene: OldScene;
beforeEach(async () => {
  scene = await new OldScene().start();
});
afterEach(() => scene.stop());

const peerKey = (): string => publicKeyOf(new Secret(newPrivateKey()));
const [ALICE, BOB] = [peerKey(), peerKey()];
const ALICE_SECTION = `\n[Peer]\n# alice\nPublicKey = ${ALICE}\nAllowedIPs = 10.7.0.2/32\n`;
const BOB_SECTION = `\n[Peer]\nPublicKey = ${BOB}\nAllowedIPs = 10.7.0.3/32 # bob\n`;

const applied = { kind: 'applied' } as const;

describe('a look', () => {
  test('6.5 reads the text of the file, and the device as no more than that it is there', async () => {
    await scene.running(
      scene.fileText('PostUp = echo a\nPostUp = echo b\nMTU = 1380\nTable = off # ours\n', ALICE_SECTION),
    );
    const { agent, interface: seen, peerCount, owner } = await scene.look();
    expect(agent).toMatchObject({ name: 'WGDashboard node agent', version: '2.2.0', capabilities: ['delete'] });
    expect(agent.limits?.join('\n')).toMatch(/no live change.*no values of the kernel.*no preUp, postDown, fwMark/s);
    expect(seen.file).toMatchObject({ postUp: ['echo a', 'echo b'], mtu: 1380, listenPort: 51_820, table: 'off' });
    expect(seen.file?.privateKey?.privateKey).toBeNull();
    expect({ device: seen.device, peerCount, owner }).toEqual({ device: 'unseen', peerCount: 1, owner: undefined });
  });

  test('without file and device there is nothing', async () => {
    expect(await scene.look()).toMatchObject({ interface: { file: null, device: null }, peerCount: null });
  });

  test('is "unchanged" while file, state and set of peers are', async () => {
    await scene.running();
    const { revision } = await scene.look();
    expect(await scene.driver.observe(revision, CALLS)).toEqual({ kind: 'unchanged' });
    scene.host.addPeer(NAME, ALICE);
    expect(await scene.driver.observe(revision, CALLS)).toMatchObject({ kind: 'observed' });
  });

  test('7.12 a dump that fails says "down" only where the list of running interfaces says so too', async () => {
    scene.host.setFile(NAME, scene.fileText());
    expect((await scene.look()).interface.device).toBeNull();
    expect(scene.takeRequests().slice(-2)).toEqual([`GET /v1/wg/${NAME}/dump`, 'GET /v1/status']);
  });

  test('7.11 a file that GET config cannot read is said, and left alone', async () => {
    const text = `[Interface]\nPrivateKey = ${scene.key}\nListenPort = 51820 # home\n`;
    scene.host.setFile(NAME, text);
    const observed = await scene.driver.observe(undefined, CALLS);
    expect(observed).toMatchObject({ kind: 'refused', refusal: { reason: 'ConfigRefused' } });
    expect(observed).toMatchObject({ refusal: { message: expect.stringContaining("'51820 # home'") } });
    expect(scene.host.file(NAME)).toBe(text);
  });

  test('a file that is no UTF-8 is said, too', async () => {
    scene.host.setFile(NAME, Buffer.from([0x5b, 0xff]));
    expect(await scene.driver.observe(undefined, CALLS)).toMatchObject({ kind: 'refused' });
  });

  test('hooks that `wg-quick save` broke are named as such', async () => {
    scene.host.setFile(NAME, scene.fileText('PostUp = a [Interface]\n[Interface]\n b\n'));
    const { interface: seen } = await scene.look();
    expect(compare(scene.desired({ postUp: ['a; b'] }), seen)).toContainEqual(
      expect.objectContaining({ path: 'spec.interface.postUp', file: expect.stringContaining('wg-quick save') }),
    );
  });

  test('6.3 clocks apart are ClockSkew with the seconds, of an agent that tells whole seconds alone', async () => {
    await scene.stop();
    scene = await new OldScene().start(undefined, () => Date.now() - 900_000);
    const observed = await scene.driver.observe(undefined, CALLS);
    expect(observed).toMatchObject({ kind: 'unreachable', reason: 'ClockSkew' });
    expect(observed).toMatchObject({ message: expect.stringMatching(/(899|900|901) s ahead of/) });
  });

  test('a wrong secret is SignatureRejected', async () => {
    await scene.stop();
    scene = await new OldScene().start('another-secret-of-some-length');
    expect(await scene.driver.observe(undefined, CALLS)).toMatchObject({ reason: 'SignatureRejected' });
  });
});

describe('which agent', () => {
  test.each(['2.0.0', '2.1.0', '1.0.0', '3.0.0', 'next'])('version %s is Unsupported, and told', async (version) => {
    await scene.stop();
    scene = await new OldScene({ version }).start();
    const observed = await scene.driver.observe(undefined, CALLS);
    expect(observed).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
    expect(observed).toMatchObject({ refusal: { message: expect.stringContaining(version) } });
  });

  test('BadHost: an agent that a Host header opens to everybody is refused', async () => {
    await scene.stop();
    scene = await new OldScene({ isBadHost: true }).start();
    await scene.running();
    expect(await scene.driver.observe(undefined, CALLS)).toMatchObject({ refusal: { reason: 'InsecureAgent' } });
    expect(scene.takeMutations()).toEqual([]);
  });

  test('6.4 a build without DELETE is known before it is needed', async () => {
    await scene.stop();
    scene = await new OldScene({ hasDelete: false }).start();
    const { agent } = await scene.look();
    expect(agent.limits?.join()).toContain('no removal');
    expect([...scene.driver.capabilities]).not.toContain('remove');
  });
});

describe('a change', () => {
  test('what is not there is written and brought up', async () => {
    expect(await scene.apply(scene.desired({ postUp: ['echo a', 'echo b'], preDown: ['echo c'] }))).toMatchObject(
      applied,
    );
    expect(scene.takeMutations()).toEqual(['PUT config', 'POST enable']);
    expect(scene.host.file(NAME)).toBe(scene.fileText('PostUp = echo a; echo b\nPreDown = echo c\n'));
    expect(scene.host.devices.has(NAME)).toBe(true);
  });

  test('6.5 nothing is sent where nothing differs, however the hooks stand', async () => {
    await scene.running(scene.fileText('PostUp = echo a\nPostUp = echo b\n'));
    const desired = scene.desired({ postUp: ['echo a', 'echo b'] });
    expect(compare(desired, (await scene.look()).interface)).toEqual([]);
    expect(await scene.apply(desired)).toMatchObject(applied);
    expect(scene.takeMutations()).toEqual([]);
    scene.host.setFile(NAME, scene.fileText('PostUp = echo a; echo b\n').replace('51820', '51821'));
    expect(compare(desired, (await scene.look()).interface).map(({ path }) => path)).toEqual([
      'spec.interface.listenPort',
    ]);
  });

  test.each<[FieldName, Partial<InterfaceConfig>, readonly string[]]>([
    ['listenPort', { listenPort: 51_999 }, ['PUT config', 'POST enable']],
    ['mtu', { mtu: 1300 }, ['PUT config', 'POST enable']],
    ['addresses', { addresses: [cidr('10.7.0.9/24')] }, ['POST disable', 'PUT config', 'POST enable']],
    ['dns', { dns: ['9.9.9.9'] }, ['POST disable', 'PUT config', 'POST enable']],
    ['table', { table: 'off' }, ['POST disable', 'PUT config', 'POST enable']],
    ['postUp', { postUp: ['echo new'] }, ['POST disable', 'PUT config', 'POST enable']],
    ['preDown', { preDown: ['echo new'] }, ['POST disable', 'PUT config', 'POST enable']],
  ])('6.8 %s is one restart, and what went up is torn down by its own file', async (name, over, calls) => {
    await scene.running(scene.fileText('PreDown = echo old\n', ALICE_SECTION + BOB_SECTION));
    const desired = scene.desired({ preDown: ['echo old'], ...over });
    const end = await scene.apply(desired);
    expect(end).toMatchObject({ ...applied, impact: 'Restart' });
    expect(scene.takeMutations()).toEqual(calls);
    expect(scene.host.ran).toContain('echo old');
    expect(scene.host.ran.filter((line) => line === 'wg-quick up wg0')).toHaveLength(1);
    expect((await scene.look()).interface.file?.[name]).toEqual(desired.config[name]);
    // Peers stay as they were written, comments and all.
    expect(scene.host.file(NAME)).toContain(ALICE_SECTION.trim());
    expect(scene.host.file(NAME)).toContain('AllowedIPs = 10.7.0.3/32 # bob');
    expect([...(scene.host.devices.get(NAME)?.peers.keys() ?? [])]).toEqual([ALICE, BOB]);
  });

  test('a key is rotated', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    const other = new OldScene();
    expect(await scene.apply(other.desired())).toMatchObject(applied);
    expect(scene.host.devices.get(NAME)?.privateKey).toBe(other.key);
  });

  test('Down and Up are enable and disable alone', async () => {
    await scene.running();
    expect(await scene.apply(scene.desired({}, 'down'))).toMatchObject({ ...applied, impact: 'Restart' });
    expect(await scene.apply(scene.desired({}, 'down'))).toMatchObject(applied);
    expect(scene.takeMutations()).toEqual([]);
    expect(scene.host.devices.has(NAME)).toBe(false);
    expect(await scene.apply(scene.desired())).toMatchObject({ ...applied, impact: 'None' });
    expect(scene.takeMutations()).toEqual(['POST enable']);
  });

  test('Down with a new value is down first', async () => {
    await scene.running();
    await scene.apply(scene.desired({ mtu: 1400 }, 'down'));
    expect(scene.takeMutations()).toEqual(['POST disable', 'PUT config']);
    expect({ up: scene.host.devices.has(NAME), mtu: scene.host.file(NAME)?.includes('MTU = 1400') }).toEqual({
      ...{ up: false, mtu: true },
    });
  });

  test('a new file of what is down stays down, or comes up, as it is wanted', async () => {
    scene.host.setFile(NAME, scene.fileText());
    await scene.apply(scene.desired({ mtu: 1400 }, 'down'));
    expect(scene.takeMutations()).toEqual(['PUT config']);
    await scene.apply(scene.desired({ mtu: 1390 }));
    expect(scene.takeMutations()).toEqual(['PUT config', 'POST enable']);
  });

  test('what the host has become since is superseded, and nothing is sent', async () => {
    await scene.running();
    const { revision } = await scene.look();
    scene.host.setFile(NAME, scene.fileText('MTU = 1400\n'));
    scene.takeRequests();
    expect(await scene.apply(scene.desired({ mtu: 1300 }), { revision })).toMatchObject({ kind: 'superseded' });
    expect(scene.takeMutations()).toEqual([]);
  });

  test('maxImpact is kept, and the plan says what would be', async () => {
    await scene.running();
    expect(await scene.apply(scene.desired({ mtu: 1300 }), { maxImpact: 'Rehandshake' })).toEqual({
      kind: 'impact-not-allowed',
    });
    expect(scene.takeMutations()).toEqual([]);
    expect(await scene.driver.plan(scene.desired({ mtu: 1300 }), CALLS)).toEqual({
      kind: 'planned',
      plan: { impact: 'Restart', steps: [{ action: 'restart', path: 'spec.interface.mtu', impact: 'Restart' }] },
    });
  });

  test('comments outside of peers are lost with a word', async () => {
    await scene.running(scene.fileText('# uplink\n', `# alice\n${ALICE_SECTION}`));
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject({
      warnings: [expect.stringContaining('2 comments')],
    });
  });
});

describe('what this agent cannot', () => {
  test.each<[string, Partial<InterfaceConfig>]>([
    ['fwMark', { fwMark: 7 }],
    ['preUp', { preUp: ['echo a'] }],
    ['postDown', { postDown: ['echo a'] }],
  ])('6.15 %s is Unsupported by its name, and nothing is sent', async (name, over) => {
    await scene.running();
    const end = await scene.apply(scene.desired({ ...over, mtu: 1300 }));
    expect(end).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
    expect(end).toMatchObject({ refusal: { message: expect.stringContaining(`spec.interface.${name}`) } });
    expect(scene.takeMutations()).toEqual([]);
  });

  test('... but where the file has it already, and nothing else differs, all is well', async () => {
    await scene.running(scene.fileText('FwMark = 7\nPreUp = echo a\n'));
    const desired = scene.desired({ fwMark: 7, preUp: ['echo a'] });
    expect(compare(desired, (await scene.look()).interface)).toEqual([]);
  });

  test('6.7 SaveConfig is not dropped without a word', async () => {
    await scene.running(scene.fileText('SaveConfig = true\n'));
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject({
      refusal: { reason: 'Unsupported', message: expect.stringContaining('SaveConfig') },
    });
    expect(scene.takeMutations()).toEqual([]);
  });

  test.each<[readonly string[], string]>([
    [['echo a && echo b'], '&'],
    [['echo a 2>&1'], '&'],
    [['echo "a # b"'], '#'],
    [['echo a;', 'echo b'], 'end in'],
    [['echo "a', 'echo b"'], 'nothing closes'],
    [['cd /tmp', 'echo b'], 'cd'],
    [['X=1', 'echo b'], 'X=1'],
    [['if true; then echo a', 'fi'], 'complete'],
    [['test -e /x || exit 0', 'echo b'], 'exit'],
  ])('section 7: hooks %j are refused with why', async (postUp, why) => {
    await scene.running();
    const end = await scene.apply(scene.desired({ postUp }));
    expect(end).toMatchObject({ refusal: { reason: 'Unsupported', message: expect.stringContaining(why) } });
    expect(scene.takeMutations()).toEqual([]);
  });

  test('a hook with `&` that stands there already is left as it is by a change of something else', async () => {
    await scene.running(scene.fileText('PostUp = echo a && echo b\n'));
    expect(await scene.apply(scene.desired({ postUp: ['echo a && echo b'], mtu: 1300 }))).toMatchObject(applied);
    expect(scene.host.file(NAME)).toContain('PostUp = echo a && echo b\n');
  });

  test('one rule of a compound command is taken', async () => {
    await scene.running();
    const postUp = ['if true; then echo a; fi', 'test -e /x || exit 0'];
    expect(await scene.apply(scene.desired({ postUp }))).toMatchObject(applied);
  });
});

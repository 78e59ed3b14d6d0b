import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cidr } from '../fixtures/cidr.ts';
import { newPrivateKey } from '../support/canary.ts';
import { compare } from '../../agent/protocol/compare.ts';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { CALLS, NAME, OldScene } from './support/old-host.ts';

// What the second driver must not lose, against a model of the WGDashboard node agent 2.2.0; numbers are those of `agent-contract`, sections 6 and 7.

let scene: OldScene;
beforeEach(async () => {
  scene = await new OldScene().start();
});
afterEach(() => scene.stop());

const peerKey = (): string => publicKeyOf(new Secret(newPrivateKey()));
const [ALICE, BOB, CAROL] = [peerKey(), peerKey(), peerKey()];
const ALICE_SECTION = `\n[Peer]\n# alice\nPublicKey = ${ALICE}\nAllowedIPs = 10.7.0.2/32\n`;
const BOB_SECTION = `\n[Peer]\nPublicKey = ${BOB}\nAllowedIPs = 10.7.0.3/32 # bob\n`;

const applied = { kind: 'applied' } as const;

const running = (): string[] => [...(scene.host.devices.get(NAME)?.peers.keys() ?? [])].sort();

describe('peers', () => {
  test('6.7 7.2 those that only run and those that only stand in the file survive, by one syncconf and no POST peers', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.setFile(NAME, scene.fileText('', ALICE_SECTION + BOB_SECTION));
    const psk = newPrivateKey();
    scene.host.addPeer(NAME, CAROL, { psk, ips: ['10.7.0.4/32'], endpoint: '192.0.2.4:51820', keepalive: 25 });
    const end = await scene.apply(scene.desired({ mtu: 1300 }));
    expect(end).toMatchObject({ ...applied, warnings: [expect.stringContaining('comments')] });
    expect(scene.takeMutations()).toEqual(['POST syncconf', 'PUT config', 'POST enable']);
    expect(running()).toEqual([ALICE, BOB, CAROL].sort());
    expect(scene.host.devices.get(NAME)?.peers.get(CAROL)).toEqual({
      ...{ psk, ips: ['10.7.0.4/32'], endpoint: '192.0.2.4:51820', keepalive: 25 },
    });
    expect(scene.host.devices.get(NAME)).toMatchObject({ privateKey: scene.key, listenPort: 51_820 });
    expect((await scene.look()).interface.file?.addresses).toEqual(['10.7.0.1/24']);
  });

  test('those that only run survive Down, and the disable of a deletion', async () => {
    for (const down of [() => scene.apply(scene.desired({}, 'down')), () => scene.driver.setState('down', CALLS)]) {
      scene.host.devices.clear();
      await scene.running();
      scene.host.addPeer(NAME, CAROL);
      await scene.look();
      expect(await down()).toMatchObject({ kind: expect.stringMatching(/applied|done/) });
      expect(scene.host.devices.has(NAME)).toBe(false);
      expect(scene.host.file(NAME)).toContain(CAROL);
    }
  });

  test('... and a Down of a file with SaveConfig, which stays in it', async () => {
    await scene.running(scene.fileText('SaveConfig = true\n'));
    scene.host.addPeer(NAME, CAROL);
    expect(await scene.apply(scene.desired({}, 'down'))).toMatchObject(applied);
    expect(scene.host.file(NAME)).toMatch(/^SaveConfig = true$/m);
    expect(scene.host.file(NAME)).toContain(CAROL);
  });

  test('[peer] in another case, which the PUT would drop, survives while it runs', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION.replace('[Peer]', '[peer]') + BOB_SECTION));
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject(applied);
    expect(running()).toEqual([ALICE, BOB].sort());
    expect(scene.host.file(NAME)).toContain(ALICE);
  });

  test('... and is refused by its key while it is down', async () => {
    const text = scene.fileText('', ALICE_SECTION.replace('[Peer]', '[peer]'));
    scene.host.setFile(NAME, text);
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject({
      refusal: { message: expect.stringContaining(ALICE) },
    });
    expect(scene.host.file(NAME)).toBe(text);
  });

  test.each([
    ['hooks with `&`', 'PostUp = echo a && echo b\n', ALICE_SECTION],
    ['a default route', '', ALICE_SECTION.replace('10.7.0.2/32', '0.0.0.0/0')],
  ])('where the call that keeps them would break %s, nothing is sent', async (_, more, peers) => {
    await scene.running(scene.fileText(more, peers));
    scene.host.addPeer(NAME, CAROL);
    const postUp = more === '' ? [] : ['echo a && echo b'];
    expect(await scene.apply(scene.desired({ mtu: 1300, postUp }))).toMatchObject({
      refusal: { reason: 'Unsupported', message: expect.stringContaining(CAROL) },
    });
    expect(scene.takeMutations()).toEqual([]);
    expect(running()).toContain(CAROL);
  });

  test('7.3 an interface that runs without a file keeps its peers', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.files.clear();
    expect(await scene.apply(scene.desired())).toMatchObject(applied);
    expect(scene.takeMutations()).toEqual(['PUT config', 'POST syncconf', 'POST disable', 'PUT config', 'POST enable']);
    expect(running()).toEqual([ALICE]);
    expect(scene.host.file(NAME)).toContain(ALICE);
  });

  test('a success after which a peer is gone is a failure', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    const quick = scene.host.run.bind(scene.host);
    scene.host.run = async (argv) => {
      const end = await quick(argv);
      if (argv[1] === 'up') scene.host.devices.get(NAME)?.peers.clear();
      return end;
    };
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject({
      ...{ kind: 'failed', restored: false },
      message: expect.stringContaining(ALICE),
    });
  });

  test('`peers` tells them without any key but their public ones', async () => {
    await scene.running();
    scene.host.addPeer(NAME, CAROL, { psk: newPrivateKey() });
    expect(await scene.driver.peers(CALLS)).toEqual({
      kind: 'peers',
      peers: [
        {
          ...{ publicKey: CAROL, endpoint: undefined, allowedIps: [], latestHandshake: undefined },
          ...{ receivedBytes: 0, sentBytes: 0 },
        },
      ],
    });
  });
});

describe('what fails', () => {
  const isUp = (): boolean => scene.host.devices.has(NAME);

  test('6.9 7.10 a port in use: the agent leaves the tunnel down, the former one is brought back', async () => {
    const text = scene.fileText('# uplink\n', ALICE_SECTION);
    await scene.running(text);
    scene.host.takenPorts.add(51_999);
    const end = await scene.apply(scene.desired({ listenPort: 51_999 }));
    expect(end).toMatchObject({ kind: 'failed', restored: true, message: expect.stringContaining('already in use') });
    // A bare PUT is undone by the agent's own copy, byte for byte.
    expect(scene.host.file(NAME)).toBe(text);
    expect({ up: isUp(), port: scene.host.devices.get(NAME)?.listenPort }).toEqual({ up: true, port: 51_820 });
  });

  test('a PostUp that fails: file and tunnel are the former ones', async () => {
    await scene.running(scene.fileText('PostUp = echo old\nPreDown = echo down\n', ALICE_SECTION));
    const end = await scene.apply(scene.desired({ postUp: ['echo new; false'], preDown: ['echo down'] }));
    expect(end).toMatchObject({ kind: 'failed', restored: true });
    expect((await scene.look()).interface.file).toMatchObject({ postUp: ['echo old'], preDown: ['echo down'] });
    expect(isUp()).toBe(true);
    expect(scene.host.file(NAME)).toContain(ALICE_SECTION.trim());
  });

  test('an old PreDown that fails: nothing is written, and the tunnel runs on', async () => {
    const text = scene.fileText('PreDown = false\n', ALICE_SECTION);
    await scene.running(text);
    const end = await scene.apply(scene.desired({ dns: ['9.9.9.9'], preDown: ['false'] }));
    expect(end).toMatchObject({ kind: 'failed', restored: true });
    expect(scene.host.file(NAME)).toBe(text);
    expect(isUp()).toBe(true);
    expect(scene.host.ran.filter((line) => line.startsWith('wg-quick up'))).toEqual([]);
  });

  test('7.1 stderr that is no UTF-8 keeps the agent from putting the file back: it is put back from here', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.takenPorts.add(51_999);
    scene.host.stderrPrefix = Buffer.from([0xff, 0xfe]);
    const end = await scene.apply(scene.desired({ listenPort: 51_999 }));
    expect(end).toMatchObject({ kind: 'failed', restored: true });
    expect((await scene.look()).interface.file?.listenPort).toBe(51_820);
    expect(isUp()).toBe(true);
  });

  test('what was never there is taken away again', async () => {
    expect(await scene.apply(scene.desired({ postUp: ['false'] }))).toMatchObject({ kind: 'failed', restored: true });
    expect({ file: scene.host.file(NAME), up: isUp() }).toEqual({ file: undefined, up: false });
  });

  test('... or said to be left, where the build cannot', async () => {
    await scene.stop();
    scene = await new OldScene({ hasDelete: false }).start();
    expect(await scene.apply(scene.desired({ postUp: ['false'] }))).toMatchObject({ kind: 'failed', restored: false });
  });

  test('a former PostDown cannot be written again: that is said', async () => {
    await scene.running(scene.fileText('PostDown = echo down\n'));
    const end = await scene.apply(scene.desired({ postUp: ['false'] }));
    expect(end).toMatchObject({ kind: 'failed', restored: false });
  });

  test('N8 no key is in the message, whatever the tools print', async () => {
    await scene.running();
    const bad = scene.host.run.bind(scene.host);
    scene.host.run = async (argv) => {
      const end = await bad(argv);
      const text = Buffer.from(`[#] wg setconf ${scene.key}\nKey is not the correct length or format: ${scene.key}`);
      return argv[1] === 'up' ? { ...end, exitCode: 1, stderr: text } : end;
    };
    const end = await scene.apply(scene.desired({ mtu: 1300 }));
    expect(JSON.stringify(end)).not.toContain(scene.key);
    expect(end).toMatchObject({ message: expect.stringContaining('Key is not the correct length') });
  });
});

describe('a removal', () => {
  test('is down first, and proven', async () => {
    await scene.running(scene.fileText('PreDown = echo old\n'));
    await scene.look();
    expect(await scene.driver.remove(CALLS)).toEqual({ kind: 'done' });
    expect(scene.takeMutations()).toEqual(['POST disable', 'DELETE ']);
    expect({ file: scene.host.file(NAME), up: scene.host.devices.size }).toEqual({ file: undefined, up: 0 });
  });

  test('6.14 the file of an interface that cannot be taken down stays', async () => {
    await scene.running(scene.fileText('PreDown = false\n'));
    await scene.look();
    expect(await scene.driver.remove(CALLS)).toMatchObject({ kind: 'refused' });
    expect(scene.host.file(NAME)).toBeDefined();
  });

  test('of what is not there is fine', async () => {
    await scene.look();
    expect(await scene.driver.remove(CALLS)).toEqual({ kind: 'done' });
  });
});

// What people of this agent reported of its panel: the right value, whatever that did.
describe('public reports', () => {
  const WAN = ["WAN_IF=$(ip route show default | awk '{print $5}')", '[ -z "$WAN_IF" ] && exit 1'];

  test('hooks that use `&&` and a variable of the line before stay as they are, or nothing is sent', async () => {
    const text = scene.fileText(WAN.map((line) => `PostUp = ${line}\n`).join(''), ALICE_SECTION);
    await scene.running(text);
    const end = await scene.apply(scene.desired({ mtu: 1300, postUp: WAN }));
    expect(end.kind).toBe('refused');
    expect({ sent: scene.takeMutations(), file: scene.host.file(NAME) }).toEqual({ sent: [], file: text });
  });

  test('one Address line of two, and two lines of one, are no difference', async () => {
    const addresses = [cidr('10.7.0.1/24'), cidr('fd07::1/64')];
    for (const lines of ['Address = 10.7.0.1/24, fd07::1/64\n', 'Address = 10.7.0.1/24\nAddress = fd07::1/64\n']) {
      scene.host.devices.clear();
      await scene.running(scene.fileText().replace(/^Address = .*\n/m, lines));
      expect(compare(scene.desired({ addresses }), (await scene.look()).interface)).toEqual([]);
    }
  });

  test('an Address line that somebody took out of the file is drift, and is put back', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.setFile(NAME, scene.fileText('', ALICE_SECTION).replace(/^Address = .*\n/m, ''));
    expect(compare(scene.desired(), (await scene.look()).interface)).toMatchObject([
      { path: expect.stringContaining('addresses') },
    ]);
    expect(await scene.apply(scene.desired())).toMatchObject(applied);
    expect(scene.host.file(NAME)).toContain('Address = 10.7.0.1/24');
    expect(running()).toEqual([ALICE]);
  });
});

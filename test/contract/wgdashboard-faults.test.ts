import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compare } from '../../agent/protocol/compare.ts';
import { withIntentLines } from '../../agent/protocol/firewall/hook-lines.ts';
import { EMPTY_CONFIG } from '../../agent/protocol/wgquick/config.ts';
import { FIELDS, type HookName } from '../../agent/protocol/wgquick/fields.ts';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { ChosenDriver } from '../../controller/drivers/chosen-driver.ts';
import { createSignedClient } from '../../controller/drivers/http/signed-client.ts';
import { failureText } from '../../controller/drivers/wgdashboard/old-answers.ts';
import { explain } from '../../controller/drivers/wgnode/explain-response.ts';
import { newPrivateKey } from '../support/canary.ts';
import { CALLS, NAME, OldScene } from './support/old-host.ts';
import { LOOPBACK_GUARD } from './support/test-client.ts';

// What a hostile reader found in the driver of the WGDashboard node agent: each of these once lost a tunnel, a peer, or the truth.

let scene: OldScene;
beforeEach(async () => {
  scene = await new OldScene().start();
});
afterEach(() => scene.stop());

const peerKey = (): string => publicKeyOf(new Secret(newPrivateKey()));
const [ALICE, BOB, CAROL] = [peerKey(), peerKey(), peerKey()];
const section = (key: string, ip: string): string => `\n[Peer]\nPublicKey = ${key}\nAllowedIPs = ${ip}\n`;
const ALICE_SECTION = section(ALICE, '10.7.0.2/32');
const isUp = (): boolean => scene.host.devices.has(NAME);
const running = (): string[] => [...(scene.host.devices.get(NAME)?.peers.keys() ?? [])].sort();
/** The connection is cut under the first request that ends so; what it asked is done all the same where `isDone`. */
const breakOnce = (ending: string): void => {
  let isOver = false;
  scene.breakOn((request) => {
    if (isOver || !request.endsWith(ending)) return false;
    isOver = true;
    return true;
  });
};

describe('a call without an answer in the middle of a change', () => {
  test.each(['/enable', '/disable'])('%s: the host is read, and the former interface runs', async (ending) => {
    await scene.running(scene.fileText('PostUp = echo old\n', ALICE_SECTION));
    await scene.look();
    // Such a call may be repeated, so the second one is cut, too.
    let count = 0;
    scene.breakOn((request) => request.endsWith(ending) && (count += 1) <= 2);
    const end = await scene.apply(scene.desired({ postUp: ['echo new'] }));
    expect(end).toMatchObject({ kind: 'failed', restored: true });
    expect(isUp()).toBe(true);
    expect((await scene.look()).interface.file?.postUp).toEqual(['echo old']);
    expect(running()).toEqual([ALICE]);
  });

  test('syncconf of what runs without a file: its peers are put back', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.files.clear();
    await scene.look();
    breakOnce('/syncconf');
    await scene.apply(scene.desired());
    await scene.apply(scene.desired());
    expect({ up: isUp(), peers: running() }).toEqual({ up: true, peers: [ALICE] });
    expect(compare(scene.desired(), (await scene.look()).interface)).toEqual([]);
  });

  test('7.3 a hook that fails where there was no file: the peers are put back without it', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.files.clear();
    expect(await scene.apply(scene.desired({ postUp: ['false'] }))).toMatchObject({ kind: 'failed', restored: false });
    expect({ up: isUp(), peers: running() }).toEqual({ up: true, peers: [ALICE] });
    expect(scene.host.file(NAME)).toContain(ALICE);
  });

  test('a PUT whose reload nobody can prove is followed by a restart', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    await scene.look();
    const write = scene.host.run.bind(scene.host);
    let isFirst = true;
    scene.host.run = async (argv) => {
      if (argv.join(' ') !== `wg-quick down ${NAME}` || !isFirst) return write(argv);
      isFirst = false;
      // The file is new, and the agent dies before it reloads.
      scene.cutAll();
      throw new Error('it is gone');
    };
    await scene.apply(scene.desired({ listenPort: 51_999 }));
    expect(scene.host.devices.get(NAME)?.listenPort).toBe(51_999);
  });
});

describe('a refusal in the middle of a change', () => {
  test('is undone: the interface that went down for it comes up again', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    await scene.look();
    const run = scene.host.run.bind(scene.host);
    scene.host.run = (argv) => {
      if (argv.join(' ') === `wg-quick down ${NAME}`) scene.become({ lacks: 'PUT /config' });
      return run(argv);
    };
    expect(await scene.apply(scene.desired({ dns: ['9.9.9.9'] }))).toMatchObject({ kind: 'failed', restored: true });
    expect({ up: isUp(), peers: running() }).toEqual({ up: true, peers: [ALICE] });
  });
});

describe('what could not be proven', () => {
  test('is a restart by the next change, and no more than maxImpact allows', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    await scene.look();
    const run = scene.host.run.bind(scene.host);
    const abort = new AbortController();
    let isFirst = true;
    scene.host.run = (argv) => {
      if (argv.join(' ') !== `wg-quick down ${NAME}` || !isFirst) return run(argv);
      isFirst = false;
      abort.abort();
      scene.cutAll();
      throw new Error('it is gone');
    };
    const desired = scene.desired({ listenPort: 51_999 });
    expect(await scene.apply(desired, { signal: abort.signal })).toMatchObject({ kind: 'unreachable' });
    const { reported } = await scene.look();
    expect(reported).toMatchObject([{ impact: 'Restart' }]);
    expect(await scene.apply(desired, { maxImpact: 'None' })).toEqual({ kind: 'impact-not-allowed' });
    scene.host.addPeer(NAME, CAROL, { ips: ['10.7.0.9/32'] });
    expect(await scene.apply(desired)).toMatchObject({ kind: 'applied', impact: 'Restart' });
    expect(scene.host.devices.get(NAME)?.listenPort).toBe(51_999);
    expect(running()).toEqual([ALICE, CAROL].sort());
    expect((await scene.look()).reported).toEqual([]);
  });
});

describe('an undo', () => {
  test('of what a PUT cannot write whole brings back what it can, and says the rest', async () => {
    await scene.running(scene.fileText('PostDown = echo down\n# office\n', ALICE_SECTION));
    const end = await scene.apply(scene.desired({ postUp: ['false'] }));
    expect(end).toMatchObject({ kind: 'failed', restored: false });
    expect(end).toMatchObject({ message: expect.stringContaining('spec.interface.postDown') });
    expect(end).toMatchObject({ message: expect.stringContaining('comments') });
    expect({ up: isUp(), peers: running() }).toEqual({ up: true, peers: [ALICE] });
  });

  test('is none where nothing was touched: a PreDown that refuses, and a peer that only runs', async () => {
    await scene.running(scene.fileText('PreDown = false\n', ALICE_SECTION));
    scene.host.addPeer(NAME, CAROL, { ips: ['10.7.0.4/32'] });
    expect(await scene.apply(scene.desired({ dns: ['9.9.9.9'], preDown: ['false'] }))).toMatchObject({
      kind: 'failed',
    });
    expect(running()).toEqual([ALICE, CAROL].sort());
    expect(scene.host.ran.filter((line) => line.startsWith('wg-quick up'))).toEqual([]);
  });

  test('7.1 of a PUT that left its file puts the former one back, though the interface refuses to go down', async () => {
    await scene.running(scene.fileText('PreDown = false\n', ALICE_SECTION));
    scene.host.stderrPrefix = Buffer.from([0xff, 0xfe]);
    await scene.apply(scene.desired({ listenPort: 51_999, preDown: ['false'] }));
    expect((await scene.look()).interface.file?.listenPort).toBe(51_820);
    expect(scene.host.devices.get(NAME)?.listenPort).toBe(51_820);
  });
});

describe('down', () => {
  test('with a PostDown that fails is down, and told', async () => {
    await scene.running(scene.fileText('PostDown = false\n'));
    const end = await scene.apply(scene.desired({ postDown: ['false'] }, 'down'));
    expect(end).toMatchObject({ kind: 'applied', warnings: [expect.stringContaining('a hook failed')] });
    expect(isUp()).toBe(false);
  });

  test('by a SaveConfig that would break a hook is refused, at a deletion too', async () => {
    const text = scene.fileText('SaveConfig = true\nPostUp = echo a && echo b\n');
    await scene.running(text);
    const desired = scene.desired({ postUp: ['echo a && echo b'] }, 'down');
    expect(await scene.apply(desired)).toMatchObject({ refusal: { reason: 'Unsupported' } });
    expect(await scene.driver.setState('down', CALLS)).toMatchObject({ refusal: { reason: 'Unsupported' } });
    expect({ up: isUp(), file: scene.host.file(NAME) }).toEqual({ up: true, file: text });
  });

  test('reads back as desired after peers that only ran were saved', async () => {
    const text = `[Interface]\nPrivateKey = ${scene.key}\nAddress = 10.7.0.1/24\n`;
    await scene.running(text);
    scene.host.addPeer(NAME, CAROL);
    const desired = scene.desired({ listenPort: null }, 'down');
    expect(await scene.apply(desired)).toMatchObject({ kind: 'applied' });
    expect(compare(desired, (await scene.look()).interface)).toEqual([]);
    expect(scene.host.file(NAME)).toContain(CAROL);
  });

  test('leaves `[peer]` and its comment alone', async () => {
    const text = scene.fileText('PostUp = echo a && echo b\n', ALICE_SECTION.replace('[Peer]', '[peer]\n# alice'));
    await scene.running(text);
    expect(await scene.apply(scene.desired({ postUp: ['echo a && echo b'] }, 'down'))).toMatchObject({
      kind: 'applied',
    });
    expect(scene.host.file(NAME)).toBe(text);
  });
});

describe('losses are told', () => {
  test('a preshared key, networks and keepalive that only ran', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.addPeer(NAME, ALICE, { psk: newPrivateKey(), ips: ['10.7.0.2/32'], keepalive: 0 });
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject({
      warnings: [expect.stringContaining(ALICE)],
    });
  });

  test('a network that two peers name stays with the one of the file', async () => {
    await scene.running(scene.fileText('', ALICE_SECTION));
    scene.host.setFile(NAME, scene.fileText('', ALICE_SECTION + section(BOB, '10.7.0.4/32')));
    scene.host.addPeer(NAME, CAROL, { ips: ['10.7.0.4/32'] });
    await scene.apply(scene.desired({ mtu: 1300 }));
    expect(scene.host.devices.get(NAME)?.peers.get(BOB)?.ips).toEqual(['10.7.0.4/32']);
    expect(running()).toEqual([ALICE, BOB, CAROL].sort());
  });

  test('one key in two sections, of which the agent reads one', async () => {
    const psk = newPrivateKey();
    await scene.running(scene.fileText('', `${ALICE_SECTION}\n[peer]\nPublicKey = ${ALICE}\nPresharedKey = ${psk}\n`));
    await scene.apply(scene.desired({ mtu: 1300 }));
    expect(scene.host.file(NAME)).toContain(psk);
  });

  test('a key that no field of the spec stands for is refused by its name', async () => {
    const text = scene.fileText('Jc = 4\n');
    scene.host.setFile(NAME, text);
    expect(await scene.apply(scene.desired({ mtu: 1300 }, 'down'))).toMatchObject({
      refusal: { reason: 'Unsupported', message: expect.stringContaining('Jc') },
    });
    expect(scene.host.file(NAME)).toBe(text);
  });

  test('intents of our agent are torn down by the file that has them', async () => {
    const policyRoute = { fwMark: 9, table: 77, priority: 100 };
    const { value: firewall } = FIELDS.firewall.wire.from([{ name: 'nat', type: 'PolicyRoute', policyRoute }]);
    const lines = withIntentLines({ ...EMPTY_CONFIG, firewall });
    const hooks = (['PreUp', 'PostUp', 'PreDown', 'PostDown'] as const).flatMap((key) =>
      lines[`${key[0]?.toLowerCase() ?? ''}${key.slice(1)}` as HookName].map((hook) => `${key} = ${hook}\n`),
    );
    await scene.running(scene.fileText(`#wgnode:firewall = ${JSON.stringify(firewall)}\n${hooks.join('')}`));
    await scene.apply(scene.desired());
    expect(scene.host.ran.join('\n')).toMatch(/rule del fwmark 9/);
    expect(scene.takeMutations()[0]).toBe('POST disable');
  });
});

describe('who answers', () => {
  test('7.6 an interface without a file can be removed', async () => {
    await scene.running();
    scene.host.files.delete(`/etc/wireguard/${NAME}.conf`);
    expect(await scene.driver.remove(CALLS)).toEqual({ kind: 'done' });
    expect({ up: isUp(), file: scene.host.file(NAME) }).toEqual({ up: false, file: undefined });
  });

  test('a change of what was not there when it was looked at is superseded', async () => {
    const { revision } = await scene.look();
    await scene.running(scene.fileText('MTU = 1400\n', ALICE_SECTION));
    expect(await scene.apply(scene.desired(), { revision })).toMatchObject({ kind: 'superseded' });
  });

  test('BadHost: no change is sent to an agent that nobody has looked at on this connection', async () => {
    await scene.stop();
    scene = await new OldScene({ isBadHost: true }).start();
    const claim = { id: 'uid', name: 'edge/one', cluster: '' };
    const limits = { ...CALLS, revision: undefined, maxImpact: 'Restart', claim, replaces: undefined } as const;
    for (const end of [
      await scene.driver.apply(scene.desired(), limits),
      await scene.driver.setState('down', CALLS),
      await scene.driver.remove(CALLS),
    ])
      expect(end).toMatchObject({ refusal: { reason: 'InsecureAgent' } });
    expect(scene.takeMutations()).toEqual([]);
  });

  test('it is judged anew at every connection: another build, another version, another trust', async () => {
    await scene.running();
    const { revision } = await scene.look();
    scene.restartAs({ hasDelete: false });
    await scene.driver.observe(revision, CALLS);
    expect([...scene.driver.capabilities]).not.toContain('remove');
    scene.restartAs({ version: '2.3.1' });
    expect((await scene.look()).agent).toMatchObject({ version: '2.3.1', capabilities: ['delete'] });
    scene.restartAs({ isBadHost: true });
    expect(await scene.driver.observe(revision, CALLS)).toMatchObject({ refusal: { reason: 'InsecureAgent' } });
    scene.restartAs({});
    expect(await scene.driver.observe(undefined, CALLS)).toMatchObject({ kind: 'observed' });
  });

  test('C14 two calls at once find the same new key', async () => {
    const tls = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, pins: [] };
    const origin = `http://127.0.0.1:${String(scene.port)}`;
    const hmacKeys = [new Secret('a-former-key-of-some-length'), new Secret(scene.secret)];
    const options = { guard: LOOPBACK_GUARD, now: Date.now, called: () => undefined };
    const client = createSignedClient({ ...options, address: { origin, tls, hmacKeys } }, explain);
    const drivers = ['wg0', 'wg1'].map((name) => new ChosenDriver(client, { name, url: origin, now: Date.now }));
    const seen = await Promise.all(drivers.map((driver) => driver.observe(undefined, CALLS)));
    expect(seen.map(({ kind }) => kind)).toEqual(['observed', 'observed']);
    await client.close();
  });
});

describe('the words of a failure', () => {
  const key = newPrivateKey();
  test.each([
    [
      'a hook that fails without a word',
      'Failed to enable interface: [#] ip link add wg0\n[#] /opt/up.sh\n',
      '[#] /opt/up.sh',
    ],
    ['a frame of advice', 'Failed to enable interface: ┌──┐\n│ x │\n└──┘\nit broke\n', 'it broke'],
  ])('%s', (_, text, why) => {
    expect(failureText(text)).toBe(`Failed to enable interface: ${why}`);
  });

  test.each([
    `Key is not the correct length or format: \`${key.replace(/=$/, 'x=')}'`,
    "Key is not the correct length or format: `kq-Vb7Jx_2Lm-9Tz4Rw_8Hs6-Yd3Fg5_Qe1Nc0-UoPaI'",
    `Line unrecognized: \`PresharedKey=${key.slice(0, 30)}'`,
  ])('%s is told without the key', (text) => {
    expect(failureText(text)).not.toMatch(/[A-Za-z0-9+/_-]{20}/);
  });
});

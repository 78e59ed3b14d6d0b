import { describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { makeGate } from '../support/lab/gate.ts';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { INTERFACE } from '../support/fleet.ts';
import { useLoneHost } from '../support/lone-host.ts';
import { leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** Hosts that others set up before us: what the agent finds, takes over, or must leave alone. No controller. */
describe('the agent on a host that it did not set up', () => {
  const alone = useLoneHost(`ip link delete ${INTERFACE}; iptables -F FORWARD`);
  const { sh } = alone;
  const isUp = async (): Promise<boolean> => (await alone.host.exec(['ip', 'link', 'show', INTERFACE])).exitCode === 0;
  const rules = async (): Promise<string> => sh('iptables -S FORWARD | grep wg0 || true');
  const newPeer = async (): Promise<string> => (await sh('wg genkey | wg pubkey')).trim();
  const conf = (lines: readonly string[]): string => `[Interface]\n${lines.join('\n')}\n`;
  const BASE = ['Address = 10.7.0.1/24', 'Address = 10.8.0.1/24', 'ListenPort = 51820'];
  const put = async (change: object): Promise<object> =>
    alone.client.putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL);
  const driftOf = async (): Promise<unknown> => {
    const read = await alone.client.readConfig(INTERFACE, undefined, CALL);
    return read.kind === 'present' ? read.response.drift : read.kind;
  };

  test('N12 a tunnel that wg-quick@ brought up: the first PUT runs the old hooks, takes old addresses away, and is true', async () => {
    const old = '-i wg0 -m comment --comment old -j ACCEPT';
    const rule = '-i wg0 -m comment --comment new -j ACCEPT';
    const hooks = [`PostUp = iptables -w -A FORWARD ${old}`, `PreDown = iptables -w -D FORWARD ${old}`];
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE, ...hooks]));
    await sh(`wg-quick up ${INTERFACE}`);
    const change = {
      address: ['10.7.0.1/24'],
      post_up: [`iptables -w -A FORWARD ${rule}`],
      pre_down: [`iptables -w -D FORWARD ${rule}`],
    };
    expect(await put(change)).toMatchObject({ changed: true, impact: 'None' });
    expect(await rules()).toContain('--comment new');
    expect(await rules()).not.toContain('--comment old');
    expect(await sh(`ip address show ${INTERFACE}`)).not.toContain('10.8.0.1');
    expect(await driftOf()).toEqual([]);
  });

  test('a table change on an adopted tunnel is a real restart that keeps live peers', async () => {
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE]));
    await sh(`wg-quick up ${INTERFACE}`);
    const peer = await newPeer();
    await sh(`wg set ${INTERFACE} peer ${peer} allowed-ips 10.9.0.0/24`);
    expect(await put({ table: 'off' })).toMatchObject({ impact: 'Restart' });
    expect(await sh(`wg show ${INTERFACE} allowed-ips`)).toContain(`${peer}\t10.9.0.0/24`);
    expect(await sh('ip route')).not.toContain('10.9.0.0/24');
  });

  test('a private key that a hook sets is left as it is', async () => {
    await sh('umask 077; wg genkey > /etc/wireguard/hook.key');
    await alone.host.writeFile(CONF, conf([...BASE, 'PostUp = wg set %i private-key /etc/wireguard/hook.key']));
    await sh(`wg-quick up ${INTERFACE}`);
    const before = await sh(`wg show ${INTERFACE} public-key`);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    await alone.client.setState(INTERFACE, 'enable', CALL);
    expect(await sh(`wg show ${INTERFACE} public-key`)).toBe(before);
    expect(before.trim()).not.toBe('(none)');
    expect(await driftOf()).toEqual([]);
  });

  test('a failed change does not bring a peer back that was taken out of the file and the kernel', async () => {
    const [kept, revoked] = [await newPeer(), await newPeer()];
    const section = (peer: string, ip: string): string => `\n[Peer]\nPublicKey = ${peer}\nAllowedIPs = ${ip}\n`;
    const head = conf([`PrivateKey = ${newPrivateKey()}`, ...BASE]);
    await alone.host.writeFile(CONF, head + section(kept, '10.9.0.1/32') + section(revoked, '10.9.0.2/32'));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await alone.host.writeFile(CONF, head + section(kept, '10.9.0.1/32'));
    await sh(`wg set ${INTERFACE} peer ${revoked} remove`);
    await expect(put({ table: 'off', post_up: ['false'] })).rejects.toMatchObject({
      agentCode: 'apply_failed',
      rolledBack: true,
    });
    const peers = await sh(`wg show ${INTERFACE} peers`);
    expect(peers).toContain(kept);
    expect(peers).not.toContain(revoked);
  });

  test.each([
    ['a link-local address', { address: ['10.7.0.1/24', 'fe80::7/64'] }, 'fe80::7/64'],
    ['a table of its own', { table: '1234' }, '10.7.0.1/24'],
  ])('%s is applied, read back, and causes no drift', async (_what, change, address) => {
    await alone.host.writeFile(
      CONF,
      `${conf([`PrivateKey = ${newPrivateKey()}`, 'Address = 10.7.0.1/24', 'ListenPort = 51820'])}\n[Peer]\nPublicKey = ${await newPeer()}\nAllowedIPs = 0.0.0.0/0, 10.99.0.0/16\n`,
    );
    await put({ ...change, table: '1234' });
    expect(await sh(`ip address show ${INTERFACE}`)).toContain(address);
    expect(await sh('ip route show table 1234')).toMatch(/^default.*\n10\.99\.0\.0\/16/m);
    expect(await driftOf()).toEqual([]);
    expect(await put({ ...change, table: '1234' })).toMatchObject({ changed: false });
  });

  test('with many peers the digest is still, so that reads are 304 and an if_digest holds', async () => {
    const peers = await Promise.all(Array.from({ length: 20 }, newPeer));
    const sections = peers.map(
      (peer, index) => `\n[Peer]\nPublicKey = ${peer}\nAllowedIPs = 10.9.0.${String(index)}/32\n`,
    );
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE]) + sections.join(''));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const read = await alone.client.readConfig(INTERFACE, undefined, CALL);
    if (read.kind !== 'present') throw new Error('The interface is not there');
    for (let round = 0; round < 20; round += 1) {
      expect(await alone.client.readConfig(INTERFACE, read.etag, CALL)).toEqual({ kind: 'unchanged' });
    }
    const body = await putBodyOf(alone.host, { mtu: 1400 });
    const options = { ...body.options, if_digest: read.response.digest };
    expect(await alone.client.putConfig(INTERFACE, { ...body, options }, CALL)).toMatchObject({ changed: true });
  });

  test('I1 a restart brings back what only the kernel knows of a peer: no preshared key where there is none, thousands of addresses', async () => {
    const [plain, wide] = [await newPeer(), await newPeer()];
    const psk = `PresharedKey = ${newPrivateKey()}`;
    await alone.host.writeFile(
      CONF,
      `${conf([`PrivateKey = ${newPrivateKey()}`, 'Address = 10.7.0.1/24'])}\n[Peer]\nPublicKey = ${plain}\n${psk}\nAllowedIPs = 10.9.0.1/32\n`,
    );
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await sh(`wg set ${INTERFACE} peer ${plain} preshared-key /dev/null`);
    const many = Array.from(
      { length: 8_000 },
      (_, index) => `10.${String(100 + (index >> 8))}.${String(index & 255)}.0/24`,
    );
    await alone.host.writeFile('/tmp/wide.conf', `[Peer]\nPublicKey = ${wide}\nAllowedIPs = ${many.join(', ')}\n`);
    await sh(`wg addconf ${INTERFACE} /tmp/wide.conf; rm /tmp/wide.conf`);
    await put({ table: 'off' });
    expect(await sh(`wg show ${INTERFACE} preshared-keys`)).toContain(`${plain}\t(none)`);
    expect((await sh(`wg show ${INTERFACE} allowed-ips | grep ${wide}`)).match(/\/24/g)).toHaveLength(many.length);
  });

  test('D4 a hook that fails with the words "already exists" is a failure like any other, and is taken back', async () => {
    const hooks = [
      'PostUp = iptables -w -A FORWARD -i %i -j ACCEPT',
      'PostUp = echo "chain already exists" >&2; exit 1',
      'PreDown = iptables -w -D FORWARD -i %i -j ACCEPT',
    ];
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE, ...hooks]));
    await expect(alone.client.setState(INTERFACE, 'enable', CALL)).rejects.toMatchObject({
      agentCode: 'apply_failed',
      rolledBack: true,
    });
    expect(await isUp()).toBe(false);
    expect((await rules()).trim()).toBe('');
  });

  test('F4 a previous tunnel whose hook fails the second time is back all the same, and its live peers are kept', async () => {
    const peer = await newPeer();
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE, 'PostUp = mkdir /run/once']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await sh(`wg set ${INTERFACE} peer ${peer} allowed-ips 10.9.0.0/24`);
    await expect(put({ table: 'off', post_up: ['false'] })).rejects.toMatchObject({
      agentCode: 'apply_failed',
      rolledBack: true,
      message: expect.stringContaining('postUp[0] failed: the interface is up without what it sets up'),
    });
    expect(await isUp()).toBe(true);
    expect(await put({ table: 'off', post_up: [] })).toMatchObject({ changed: true });
    expect(await isUp()).toBe(true);
    expect(await sh(`wg show ${INTERFACE} allowed-ips`)).toContain(`${peer}\t10.9.0.0/24`);
    await sh('rmdir /run/once');
  });

  test('a device without a file that somebody else made is neither disabled nor deleted', async () => {
    await sh(`wireguard-go ${INTERFACE} && ip link set ${INTERFACE} up`);
    await expect(alone.client.setState(INTERFACE, 'disable', CALL)).rejects.toMatchObject({ agentCode: 'not_found' });
    await expect(alone.client.remove(INTERFACE, CALL)).rejects.toMatchObject({ agentCode: 'not_found' });
    expect(await isUp()).toBe(true);
    expect(await sh('ls -A /etc/wireguard')).toBe('');
  });

  test('SIGTERM in the middle of a change lets it end: the tunnel is up afterwards', async () => {
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE]));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const gate = await makeGate(alone.host);
    const stops = (): number => alone.host.agent.logText().split('"message":"stopping').length - 1;
    const known = stops();
    const change = put({ table: 'off', post_up: [gate.hook] });
    await until('the change to be under way', async () => (await sh('ls /var/lib/wgnode/journal')).includes(INTERFACE));
    const ended = alone.host.agent.stop();
    await until('the signal to be heard', () => stops() > known);
    await gate.open();
    await ended;
    // By itself, not killed, and without the client, which keeps its connections open for 120 s, longer than `stop` waits.
    expect(alone.host.agent.ending).toBe(0);
    expect(await change).toMatchObject({ changed: true });
    expect(await isUp()).toBe(true);
    expect(await sh('ls -A /var/lib/wgnode/journal')).toBe('');
    await gate.remove();
    await alone.host.agent.start();
  });

  test('one bad interface does not keep the agent from starting nor the others down', async () => {
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE]));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await alone.host.agent.stop();
    await sh(
      `ip link delete ${INTERFACE}; ln -s /etc/hostname /etc/wireguard/bad0.conf; printf up > /var/lib/wgnode/wanted/bad0; printf '{broken' > /var/lib/wgnode/journal/bad1`,
    );
    await alone.host.agent.start();
    await until('the good interface to come up', isUp);
    expect(alone.host.agent.logText()).not.toContain('broken');
  });

  test('wg-quick calls of others are not ended by the start of the agent', async () => {
    await alone.host.agent.stop();
    const gate = await makeGate(alone.host);
    await alone.host.writeFile(CONF, conf([`PrivateKey = ${newPrivateKey()}`, ...BASE, `PostUp = ${gate.hook}`]));
    const other = alone.host.mustExec(['wg-quick', 'up', INTERFACE]);
    await until('the other wg-quick to be at work', isUp);
    await alone.host.agent.start();
    await gate.open();
    await other;
    expect(await isUp()).toBe(true);
    await gate.remove();
  });

  test('S1 no secret is in any log, event, argument or environment', async () => {
    expect(await leaksOf(alone.lab)).toEqual([]);
  });
});

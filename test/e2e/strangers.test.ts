import { describe, expect, test } from '@jest/globals';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { newPrivateKey } from '../support/canary.ts';
import { INTERFACE } from '../support/fleet.ts';
import { useLoneHost } from '../support/lone-host.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** What strangers told in public about their tunnels, tried small; the right value is wg-quick's, or a refusal that leaves nothing. */
describe('what strangers ran into', () => {
  const alone = useLoneHost(
    `ip link delete ${INTERFACE}; ip netns delete inner; iptables -F FORWARD; iptables -F OUTPUT; iptables -t nat -F POSTROUTING; rm -rf /run/log /etc/resolvconf; ` +
      'while ip rule delete priority 32000; do :; done; while ip rule delete table main suppress_prefixlength 0; do :; done',
  );
  const { sh } = alone;
  const put = async (change: object): Promise<object> =>
    alone.client.putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL);
  const enable = (): Promise<unknown> => alone.client.setState(INTERFACE, 'enable', CALL);
  const drift = async (): Promise<unknown> => {
    const answer = await alone.client.readConfig(INTERFACE, undefined, CALL);
    return answer.kind === 'present' ? answer.response.drift : answer.kind;
  };
  const conf = (lines: readonly string[], peers = ''): string =>
    `[Interface]\nPrivateKey = ${newPrivateKey()}\nAddress = 10.7.0.1/24\nListenPort = 51820\n${lines.join('\n')}\n${peers}`;
  const newPeer = async (): Promise<string> => (await sh('wg genkey | wg pubkey')).trim();
  const device = `test -e /sys/class/net/${INTERFACE} && echo there || echo gone`;
  const port = 'ss -Hlun sport = :51820 | wc -l';
  const log = (word: string): string => `echo ${word} >> /run/log`;
  const LOGGED = [`PostUp = ${log('up')}`, `PostDown = ${log('down')}`];
  const INNER = ['PostUp = ip netns add inner; ip link set %i netns inner', 'PostDown = ip netns delete inner'];

  test('an up hook that moves the device into another namespace is taken back: each hook ran once, nothing is left', async () => {
    await alone.host.writeFile(CONF, conf([...LOGGED, ...INNER]));
    await expect(enable()).rejects.toMatchObject({ agentCode: 'apply_failed' });
    expect(await sh('cat /run/log')).toBe('up\ndown\n');
    expect((await sh(`${device}; ip netns list; ${port}`)).trim()).toBe('gone\n0');
    await alone.host.writeFile(CONF, conf([]));
    await put({});
    expect(await drift()).toEqual([]);
  });

  test.each(['ip link delete %i', 'ip link set %i down; ip link set %i name other0'])(
    'so is one that takes the device away: %s',
    async (hook) => {
      await alone.host.writeFile(CONF, conf([...LOGGED, `PostUp = ${hook}`]));
      await expect(enable()).rejects.toMatchObject({ agentCode: 'apply_failed' });
      expect(await sh('cat /run/log')).toBe('up\ndown\n');
      expect((await sh(`${device}; ls /sys/class/net | grep -c other0 || true; ${port}`)).trim()).toBe('gone\n0\n0');
    },
  );

  test('a hook that is added to a running tunnel and moves it leaves the tunnel as it was', async () => {
    await alone.host.writeFile(CONF, conf(LOGGED));
    await enable();
    const file = await alone.host.readFile(CONF);
    const hooks = { post_up: [log('up'), 'ip netns add inner; ip link set %i netns inner'] };
    await expect(put({ ...hooks, post_down: [log('down'), 'ip netns delete inner'] })).rejects.toMatchObject({
      agentCode: 'apply_failed',
    });
    expect(await alone.host.readFile(CONF)).toBe(file);
    expect((await sh(`${device}; ip netns list; ${port}`)).trim()).toBe('there\n2');
    expect(await drift()).toEqual([]);
  });

  test('a device that somebody moved away later: disable takes back what its hooks set up, and frees the port', async () => {
    await alone.host.writeFile(CONF, conf(LOGGED));
    await enable();
    await sh(`ip netns add inner; ip link set ${INTERFACE} netns inner`);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await sh(`cat /run/log; ${port}; ip -netns inner -o link | grep -c ${INTERFACE} || true`)).toBe(
      'up\ndown\n0\n0\n',
    );
  });

  test('enable sets a link up that somebody set down', async () => {
    await alone.host.writeFile(CONF, conf([]));
    await sh(`wg-quick up ${INTERFACE}; ip link set ${INTERFACE} down`);
    await enable();
    expect(await sh(`cat /sys/class/net/${INTERFACE}/flags`)).toBe('0x1091\n');
    expect(await drift()).toEqual([]);
  });

  test('enable of a device that somebody made without a file makes none', async () => {
    await sh(`wireguard-go ${INTERFACE}`);
    await enable();
    expect(await sh('ls /etc/wireguard')).toBe('');
    expect(await sh(`cat /sys/class/net/${INTERFACE}/flags`)).toBe('0x1090\n');
  });

  test('the network that syncconf gives to a peer is a route that lacks, and comes with the next change', async () => {
    const peer = `[Peer]\nPublicKey = ${await newPeer()}\nEndpoint = 198.51.100.9:51820\nAllowedIPs = 10.9.0.0/24`;
    await alone.host.writeFile(CONF, conf([], peer));
    await enable();
    await alone.host.writeFile(CONF, `${await alone.host.readFile(CONF)}, 10.10.0.0/24\n`);
    expect(await drift()).toEqual([]);
    await sh(`wg syncconf ${INTERFACE} <(wg-quick strip ${INTERFACE})`);
    expect(await drift()).not.toEqual([]);
    await put({ mtu: 1300 });
    expect(await sh(`ip route show dev ${INTERFACE}`)).toContain('10.10.0.0/24');
    expect(await drift()).toEqual([]);
    await sh(`ip route delete 10.10.0.0/24 dev ${INTERFACE}`);
    expect(await drift()).not.toEqual([]);
  });

  test('a rule of a hook that exempts a network stays before the rules of the default route that come back', async () => {
    const exit = `[Peer]\nPublicKey = ${await newPeer()}\nEndpoint = 198.51.100.9:51820\nAllowedIPs = 0.0.0.0/0\n`;
    const exemption = 'ip rule add to 192.0.2.0/24 table main';
    await alone.host.writeFile(
      CONF,
      conf([`PostUp = ${exemption}`, 'PostDown = ip rule delete to 192.0.2.0/24'], exit),
    );
    await enable();
    const before = await sh('ip rule');
    for (const loss of [
      'ip rule delete table main suppress_prefixlength 0',
      'ip rule delete table 51820',
      'ip rule delete table 51820; ip rule delete table main suppress_prefixlength 0',
    ]) {
      await sh(loss);
      await put({ mtu: 1300 + loss.length });
      expect(await sh('ip rule')).toBe(before);
    }
  });

  test('the record of the name servers goes at a down, whatever became of the order of interfaces meanwhile', async () => {
    await sh('mkdir -p /etc/resolvconf; printf "tun*\\n" > /etc/resolvconf/interface-order');
    await alone.host.writeFile(CONF, conf(['DNS = 192.0.2.53']));
    await enable();
    await until('the record', async () => (await sh('resolvconf -l || true')).includes('192.0.2.53'));
    await sh('rm /etc/resolvconf/interface-order');
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await sh('resolvconf -l || true')).not.toContain('192.0.2.53');
  });

  test('case LOW a line whose pair deletes the device goes, and the outage is told', async () => {
    const hooks = [log('up'), 'true'];
    const downs = [log('down'), 'ip link delete %i'];
    const lines = [...hooks.map((hook) => `PostUp = ${hook}`), ...downs.map((hook) => `PostDown = ${hook}`)];
    await alone.host.writeFile(CONF, conf(lines));
    await enable();
    const answer = (await put({ post_up: hooks.slice(0, 1), post_down: downs.slice(0, 1) })) as { outage_ms?: number };
    expect(answer).toMatchObject({ changed: true });
    expect(answer.outage_ms).toBeGreaterThan(0);
    expect(await sh(`${device}; cat /run/log`)).toBe('there\nup\ndown\nup\n');
    expect(await drift()).toEqual([]);
  });

  test('case LOW a file that others may read is closed to them at the first change, and the log says so', async () => {
    await alone.host.writeFile(CONF, conf([]));
    await sh(`chown root:adm ${CONF}; chmod 0640 ${CONF}`);
    await put({ mtu: 1300 });
    await put({ mtu: 1310 });
    expect(await sh(`stat -c '%a %U:%G' ${CONF}`)).toBe('600 root:root\n');
    const said = alone.host.agent
      .logText()
      .split('\n')
      .filter((line) => line.includes('"previous":"0640 0:4"'));
    expect(said).toHaveLength(1);
  });

  test('of a set-up that fails and cannot be taken back wholly, the first failure is told, and what is left', async () => {
    const sabotage = 'echo exit 1 > /etc/resolvconf.conf';
    await alone.host.writeFile(CONF, conf(['DNS = 192.0.2.53', `PostUp = ${sabotage}`, 'PostUp = exit 7']));
    try {
      await expect(enable()).rejects.toThrow(/`exit 7` failed with exit code 7.*not everything.*resolvconf/);
    } finally {
      await sh(`rm /etc/resolvconf.conf; resolvconf -f -d ${INTERFACE}`);
    }
  });

  test('a PostDown that bash cannot parse (finzzz/wgzero#2) does not keep the tunnel up; the line that comes before it runs', async () => {
    await alone.host.writeFile(CONF, conf([...LOGGED, 'PostDown = echo "']));
    await enable();
    const warnings = [expect.stringMatching(/^postDown\[1\] failed/)];
    expect(await put({ table: '77' })).toMatchObject({ impact: 'Restart', warnings });
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await sh(`cat /run/log; ${device}; ${port}`)).toBe('up\ndown\nup\ndown\ngone\n0\n');
  });

  test('saving an interface as it is, or another field of it (h44z/wg-portal#469), doubles none of the rules of its hooks', async () => {
    const rules = ['-t nat -A POSTROUTING -s 10.7.0.0/24 -o eth9 -j MASQUERADE', '-A FORWARD -i %i -j ACCEPT'];
    const lines = rules.map((rule) => `PostUp = iptables -w ${rule}`);
    const takenBack = rules.map((rule) => `PostDown = iptables -w ${rule.replace('-A', '-D')}`);
    await alone.host.writeFile(CONF, conf([...lines, ...takenBack]));
    await enable();
    const count = 'iptables -t nat -S POSTROUTING | grep -c eth9; iptables -S FORWARD | grep -c ACCEPT';
    expect(await put({})).toMatchObject({ changed: false });
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true, impact: 'None' });
    expect(await sh(`${count} || true`)).toBe('1\n2\n');
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await sh(`${count} || true`)).toBe('0\n1\n');
  });

  test('a kill switch by the mark of the interface, with %i (max-moser/network-manager-wireguard#45), goes with the tunnel', async () => {
    // Of UDP alone: the agent's own answers are TCP.
    const rule = 'OUTPUT ! -o %i -p udp -m mark ! --mark $(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT';
    const lines = ['FwMark = 0xca6c', `PostUp = iptables -w -I ${rule}`, `PreDown = iptables -w -D ${rule}`];
    await alone.host.writeFile(CONF, conf(lines));
    await enable();
    expect(await sh('iptables -S OUTPUT')).toContain(`! -o ${INTERFACE} -p udp -m mark ! --mark 0xca6c`);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await sh('iptables -S OUTPUT')).toBe('-P OUTPUT ACCEPT\n');
  });

  test('a new Address in the file and `wg syncconf` (githubixx/ansible-role-wireguard#175) is drift, and is applied live', async () => {
    await alone.host.writeFile(CONF, conf([]));
    await enable();
    const number = await sh(`cat /sys/class/net/${INTERFACE}/ifindex`);
    await sh(`sed -i s/10.7.0.1/10.7.0.99/ ${CONF}; wg syncconf ${INTERFACE} <(wg-quick strip ${INTERFACE})`);
    expect(await drift()).toMatchObject([
      { path: 'spec.interface.addresses', file: '10.7.0.99/24', live: expect.stringContaining('10.7.0.1/24') },
    ]);
    expect(await put({ address: ['10.7.0.99/24'] })).toMatchObject({ changed: true, impact: 'None' });
    expect(await drift()).toEqual([]);
    expect(await sh(`ip -4 -br address show ${INTERFACE}; cat /sys/class/net/${INTERFACE}/ifindex`)).toMatch(
      new RegExp(`10\\.7\\.0\\.99/24 *\n${number}`),
    );
  });

  test('a network more of a peer by `wg syncconf` (wg-easy/wg-easy#2171) is drift until it has its route', async () => {
    const peer = `[Peer]\nPublicKey = ${await newPeer()}\nAllowedIPs = 10.7.0.2/32\n`;
    await alone.host.writeFile(CONF, conf([], peer));
    await enable();
    await sh(
      `sed -i 's#10.7.0.2/32#10.7.0.2/32, 192.168.120.0/22#' ${CONF}; wg syncconf ${INTERFACE} <(wg-quick strip ${INTERFACE})`,
    );
    expect(await drift()).toMatchObject([{ path: 'spec.interface.table' }]);
    expect(await put({})).toMatchObject({ changed: true, impact: 'None' });
    expect([await drift(), await sh(`ip route show dev ${INTERFACE}`)]).toEqual([
      [],
      expect.stringContaining('192.168.120.0/22'),
    ]);
  });
});

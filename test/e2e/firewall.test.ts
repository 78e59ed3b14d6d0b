import { describe, expect, test } from '@jest/globals';
import type { Intent } from '../../agent/protocol/firewall/intent.ts';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { newPrivateKey } from '../support/canary.ts';
import { INTERFACE } from '../support/fleet.ts';
import { startPinger } from '../support/lab/pinger.ts';
import { useLoneHost } from '../support/lone-host.ts';
import { isFull } from '../support/scene.ts';
import { type Greeter, greetingAt, NO_THIRD_HOSTS, startGreeter, THIRD_HOSTS } from '../support/third-hosts.ts';
import { makeTunnelPeers, NO_TUNNEL_PEERS, PEER_SECTIONS } from '../support/tunnel-peers.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;
const SIDECAR = `/etc/wireguard/${INTERFACE}.wgnode.nft`;
const TABLE = `inet wgnode_${INTERFACE}`;
const PORT = 51_820;
const PINGS = isFull ? 900 : 100;
const CLEAN =
  `ip link delete ${INTERFACE}; ${NO_TUNNEL_PEERS}; ${NO_THIRD_HOSTS}; nft flush ruleset; ` +
  'while ip rule delete table 77; do :; done; ip route flush table 77';

describe('H8 firewall intents', () => {
  const alone = useLoneHost(CLEAN);
  const { sh } = alone;
  const key = newPrivateKey();
  const put = async (change: object): Promise<Record<string, unknown>> => ({
    ...(await alone.client.putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL)),
  });
  const look = async (): Promise<unknown> => alone.client.readConfig(INTERFACE, undefined, CALL);
  /** The gateway with two hosts behind its tunnel, and two at cables of its own; it forwards everything. */
  const setUp = async (): Promise<void> => {
    const text = `[Interface]\nPrivateKey = ${key}\nAddress = 10.7.0.1/24\nListenPort = ${String(PORT)}\n${PEER_SECTIONS}`;
    await alone.host.writeFile(CONF, text);
    const serverKey = publicKeyOf(new Secret(key));
    await put({ options: { state: 'up' } });
    await sh(`${THIRD_HOSTS}; iptables -P FORWARD ACCEPT; ${makeTunnelPeers(serverKey, PORT)}`);
    for (const name of ['one', 'two'])
      await until(
        `a packet of ${name}`,
        async () =>
          (await alone.host.exec(['ip', 'netns', 'exec', name, 'ping', '-c1', '-W1', '10.7.0.1'])).exitCode === 0,
      );
  };
  const greeters: Greeter[] = [];
  const greet = async (namespace: string | null, address: string, port: number): Promise<void> => {
    greeters.push(await startGreeter(alone.host, { namespace, address, port, word: 'hello' }));
  };
  const stopGreeters = (): void => {
    for (const greeter of greeters.splice(0)) greeter.stop();
  };
  const ask = (namespace: string, address: string, port = 80): Promise<string> =>
    sh(greetingAt(namespace, address, port));
  const askHere = (address: string): Promise<string> =>
    sh(`timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/80; cat <&3' 2>/dev/null || echo none`);
  const REFUSED = 'none\n';

  /** What each type does to real connections: asked before and after. */
  const CASES: readonly {
    readonly what: string;
    readonly firewall: readonly Intent[];
    readonly serve?: readonly (readonly [string | null, string, number])[];
    readonly prepare?: string;
    readonly probe: () => Promise<string>;
    readonly before: string;
    readonly after: string;
  }[] = [
    {
      what: 'Masquerade',
      firewall: [{ name: 'nat', type: 'Masquerade', masquerade: { outInterface: 'vright' } }],
      serve: [['right', '10.92.0.2', 80]],
      probe: () => ask('one', '10.92.0.2'),
      before: 'hello 10.7.0.2',
      after: 'hello 10.92.0.1',
    },
    {
      what: 'SNAT',
      firewall: [{ name: 'nat', type: 'SNAT', snat: { outInterface: 'vright', toAddress: '10.92.0.9' } }],
      prepare: 'ip addr add 10.92.0.9/24 dev vright',
      serve: [['right', '10.92.0.2', 80]],
      probe: () => ask('two', '10.92.0.2'),
      before: 'hello 10.7.0.3',
      after: 'hello 10.92.0.9',
    },
    {
      what: 'Forward, dropped',
      firewall: [
        {
          name: 'no-lan',
          type: 'Forward',
          forward: { outInterface: 'vright', protocol: 'TCP', ports: [80], action: 'Drop' },
        },
      ],
      serve: [['right', '10.92.0.2', 80]],
      probe: () => ask('one', '10.92.0.2'),
      before: 'hello 10.7.0.2',
      after: REFUSED,
    },
    {
      what: 'Forward, accepted before what is dropped',
      firewall: [
        { name: 'two', type: 'Forward', forward: { sources: ['10.7.0.3/32'], outInterface: 'vright' } },
        { name: 'none', type: 'Forward', forward: { outInterface: 'vright', action: 'Drop' } },
      ],
      serve: [['right', '10.92.0.2', 80]],
      probe: async () => (await ask('one', '10.92.0.2')) + (await ask('two', '10.92.0.2')),
      before: 'hello 10.7.0.2hello 10.7.0.3',
      after: `${REFUSED}hello 10.7.0.3`,
    },
    {
      what: 'PortForward into the tunnel',
      firewall: [
        {
          name: 'web',
          type: 'PortForward',
          portForward: {
            inInterface: 'vleft',
            protocol: 'TCP',
            port: 8080,
            toAddress: '10.7.0.2',
            toPort: 80,
            masquerade: true,
          },
        },
      ],
      serve: [['one', '10.7.0.2', 80]],
      probe: () => ask('left', '10.91.0.1', 8080),
      before: REFUSED,
      after: 'hello 10.7.0.1',
    },
    {
      what: 'MSSClamp',
      firewall: [{ name: 'mss', type: 'MSSClamp', mssClamp: { mss: 800 } }],
      prepare:
        'ip netns exec right nft "add table ip seen; add chain ip seen c { type filter hook input priority 0; }; add rule ip seen c tcp flags syn tcp option maxseg size 800 counter"',
      serve: [['right', '10.92.0.2', 80]],
      probe: async () => {
        await ask('one', '10.92.0.2');
        return sh('ip netns exec right nft list table ip seen | grep -c "packets [1-9]" || true');
      },
      before: '0\n',
      after: '1\n',
    },
    {
      what: 'OpenPort',
      firewall: [{ name: 'web', type: 'OpenPort', openPort: { inInterface: INTERFACE, protocol: 'TCP', ports: [80] } }],
      serve: [[null, '10.7.0.1', 80]],
      probe: async () =>
        (await ask('one', '10.7.0.1')) +
        (await sh(`nft list chain ${TABLE} input 2>/dev/null | grep -c "tcp dport 80 accept" || true`)),
      before: 'hello 10.7.0.20\n',
      after: 'hello 10.7.0.21\n',
    },
    {
      what: 'KillSwitch: nothing beside the tunnel, but for what is allowed and for answers',
      firewall: [
        { name: 'kill', type: 'KillSwitch', killSwitch: { allowedNetworks: ['10.92.0.0/24', '10.231.0.0/16'] } },
      ],
      serve: [
        ['left', '10.91.0.2', 80],
        ['right', '10.92.0.2', 80],
        [null, '10.91.0.1', 80],
        ['one', '10.7.0.2', 80],
      ],
      probe: async () =>
        [
          await askHere('10.91.0.2'),
          await askHere('10.92.0.2'),
          await ask('left', '10.91.0.1'),
          await askHere('10.7.0.2'),
        ].join(),
      before: 'hello 10.91.0.1,hello 10.92.0.1,hello 10.91.0.2,hello 10.7.0.1',
      after: `${REFUSED},hello 10.92.0.1,hello 10.91.0.2,hello 10.7.0.1`,
    },
    {
      what: 'PeerIsolation',
      firewall: [{ name: 'apart', type: 'PeerIsolation' }],
      serve: [
        ['two', '10.7.0.3', 80],
        [null, '10.7.0.1', 80],
      ],
      probe: async () => (await ask('one', '10.7.0.3')) + (await ask('one', '10.7.0.1')),
      before: 'hello 10.7.0.2hello 10.7.0.2',
      after: `${REFUSED}hello 10.7.0.2`,
    },
    {
      what: 'PeerIsolation but for one',
      firewall: [{ name: 'apart', type: 'PeerIsolation', peerIsolation: { except: ['10.7.0.3/32'] } }],
      serve: [['two', '10.7.0.3', 80]],
      // There is no third peer that would be dropped: the row above shows that.
      probe: async () =>
        (await ask('one', '10.7.0.3')) +
        (await sh(`nft list chain ${TABLE} forward 2>/dev/null | grep -c "[^ ]addr 10.7.0.3 accept" || true`)),
      before: 'hello 10.7.0.20\n',
      after: 'hello 10.7.0.22\n',
    },
    {
      what: 'IPForwarding',
      firewall: [{ name: 'forwarding', type: 'IPForwarding', ipForwarding: { families: ['IPv4'] } }],
      prepare: 'sysctl -qw net.ipv4.ip_forward=0',
      serve: [['right', '10.92.0.2', 80]],
      probe: () => ask('one', '10.92.0.2'),
      before: REFUSED,
      after: 'hello 10.7.0.2',
    },
    {
      what: 'PolicyRoute',
      firewall: [
        { name: 'lan', type: 'PolicyRoute', policyRoute: { sources: ['10.91.0.0/24'], table: 77, priority: 7700 } },
      ],
      probe: () =>
        sh(
          'ip -json route get 203.0.113.9 from 10.91.0.2 iif vleft 2>/dev/null | grep -o \'"dev":"[a-z0-9]*"\' | tail -1 || true',
        ),
      before: '',
      after: `"dev":"${INTERFACE}"\n`,
    },
  ];
  const state = (): Promise<string> =>
    sh(`nft list table ${TABLE} 2>/dev/null; ip rule list table 77; ip route show table 77; true`);

  test.each(CASES)(
    '$what: real connections, live, by plain wg-quick, healed, and gone with the interface',
    async (row) => {
      const { firewall, serve = [], prepare = 'true', probe, before, after } = row;
      await setUp();
      await sh(prepare);
      try {
        for (const [namespace, address, port] of serve) await greet(namespace, address, port);
        expect(await probe()).toBe(before);
        const index = await sh(`cat /sys/class/net/${INTERFACE}/ifindex`);
        expect(await put({ firewall })).toMatchObject({ changed: true, impact: 'None' });
        expect(await probe()).toBe(after);
        expect(await sh(`cat /sys/class/net/${INTERFACE}/ifindex`)).toBe(index);
        expect(await look()).toMatchObject({ response: { drift: [], spec: { firewall } } });
        expect(await put({ firewall })).toMatchObject({ changed: false });

        const there = await state();
        await sh('nft flush ruleset; while ip rule delete table 77; do :; done; sysctl -qw net.ipv4.ip_forward=0');
        await until('the loss is seen', async () =>
          JSON.stringify(await look()).includes('"path":"spec.interface.firewall"'),
        );
        expect(await put({ firewall })).toMatchObject({ changed: true, impact: 'None' });
        expect(await state()).toBe(there);
        expect(await look()).toMatchObject({ response: { drift: [] } });

        await sh(`wg-quick down ${INTERFACE}`);
        expect(await state()).toBe('');
        await sh(`wg-quick up ${INTERFACE}`);
        expect(await state()).toBe(there);
        expect(await put({ firewall })).toMatchObject({ changed: false });

        expect(await put({ firewall: [] })).toMatchObject({ changed: true, impact: 'None' });
        expect(await state()).toBe('');
        expect(await sh(`ls ${SIDECAR} 2>/dev/null || true`)).toBe('');
      } finally {
        stopGreeters();
      }
    },
  );

  test('R7 a change of the intents loses no ping, neither into the tunnel nor between two other hosts', async () => {
    await setUp();
    const pinger = (namespace: string, target: string): ReturnType<typeof startPinger> =>
      startPinger({
        target,
        intervalMs: 20,
        env: process.env as Record<string, string>,
        argvFor: (argv) => alone.host.argvFor(['ip', 'netns', 'exec', namespace, ...argv]),
      });
    const masquerade = (outInterface: string): Intent => ({
      name: 'nat',
      type: 'Masquerade',
      masquerade: { outInterface },
    });
    const forward: Intent = { name: 'lan', type: 'Forward', forward: { outInterface: 'vright' } };
    await put({ firewall: [masquerade('vright'), forward] });
    const pings = [await pinger('one', '10.92.0.2'), await pinger('left', '10.92.0.2')];
    for (const ping of pings)
      await until('pings before the change', () => ping.received() >= PINGS / 2, { timeoutMs: 120_000 });
    for (const firewall of [
      [forward, masquerade('vright')],
      [masquerade('vright')],
      [masquerade('vright'), { name: 'mss', type: 'MSSClamp' }],
    ])
      expect(await put({ firewall })).toMatchObject({ changed: true, impact: 'None' });
    for (const ping of pings) await until('pings after the change', () => ping.sent() >= PINGS, { timeoutMs: 120_000 });
    for (const ping of pings) expect(await ping.stop()).toMatchObject({ lost: 0 });
  });

  test('an intent that another table stands against is told', async () => {
    await setUp();
    await sh('iptables -P FORWARD DROP; ip6tables -P FORWARD ACCEPT');
    const firewall: readonly Intent[] = [{ name: 'lan', type: 'Forward', forward: { outInterface: 'vright' } }];
    expect(await put({ firewall })).toMatchObject({
      warnings: [expect.stringMatching(/^ForwardBlocked: lan: ip filter FORWARD drops/)],
    });
    await sh(`iptables -I FORWARD -i ${INTERFACE} -j ACCEPT`);
    expect(await put({ firewall: [...firewall, { name: 'mss', type: 'MSSClamp' }] })).not.toHaveProperty('warnings');
  });
});

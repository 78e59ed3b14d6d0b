import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { generatedFile } from '../support/parity/generate.ts';
import { type Parity, startParity } from '../support/parity/parity.ts';
import { PARITY_ROWS, peer, section } from '../support/parity/rows.ts';
import { isFull, leaksOf } from '../support/scene.ts';

const HOSTS = ['alpha', 'beta'] as const;
/** Ten thousand of them take half an hour: `WGNODE_PARITY_FILES=10000`. */
const GENERATED = Number(process.env['WGNODE_PARITY_FILES'] ?? (isFull ? 2_500 : 16));
const SEED = Number(process.env['WGNODE_PARITY_SEED'] ?? 20_261_125);
/** A test a file would be ten thousand lines of report. */
const MAX_SHOWN = 5;
const LONG_MS = 40 * 60_000;

describe('R12 up and down beside wg-quick: the host is the same one', () => {
  let lab: Lab;
  let parities: Parity[];
  beforeAll(async () => {
    lab = await startLab({ hosts: [...HOSTS] });
    await lab.kube.install();
    for (const name of HOSTS) {
      await lab.host(name).agent.start({ WGNODE_LOG_LEVEL: 'warn' });
      // A way out: endpoints have a path, and a default route stays unset.
      await lab
        .host(name)
        .mustExec([
          'bash',
          '-c',
          'ip link add uplink0 type veth peer name uplink1; ip link set uplink0 up; ip link set uplink1 up; ip route add 198.51.100.0/24 dev uplink0',
        ]);
    }
    parities = await Promise.all(HOSTS.map((name) => startParity(lab.host(name))));
  });
  afterAll(async () => {
    await Promise.all(parities.map((parity) => parity.stop()));
    await lab.stop();
  });
  const first = (): Parity => {
    const [parity] = parities;
    if (parity === undefined) throw new Error('There is no comparison');
    return parity;
  };

  test.each(PARITY_ROWS.map((given, at) => ({ ...given, at })))('$row', async ({ at, text, prepare, clean }) => {
    const name = `wg${String(at)}`;
    const crossed = at % 4 === 0;
    const ask = {
      name,
      text,
      crossed,
      ...(prepare === undefined ? {} : { prepare }),
      ...(clean === undefined ? {} : { clean }),
    };
    const { differences } = await first().compare(ask);
    expect(differences.join('\n')).toBe('');
  });

  test(
    `${String(GENERATED)} generated files, of seed ${String(SEED)}`,
    async () => {
      const failures: string[] = [];
      const states = new Set<string>();
      let next = 0;
      let up = 0;
      const work = async (parity: Parity): Promise<void> => {
        while (next < GENERATED && failures.length < MAX_SHOWN) {
          const number = next;
          next += 1;
          const text = generatedFile(SEED, number);
          const { differences, cameUp, hash } = await parity.compare({ name: `g${String(number % 100)}`, text });
          states.add(hash);
          if (cameUp) up += 1;
          if (differences.length > 0) failures.push(`number ${String(number)}\n${text}\n${differences.join('\n')}`);
        }
      };
      await Promise.all(parities.map(work));
      process.stderr.write(
        `parity: ${String(next)} files of seed ${String(SEED)}, ${String(up)} came up, ${String(states.size)} states, ${String(failures.length)} differences\n`,
      );
      expect(failures.join('\n\n')).toBe('');
      // A generator that makes the same again and again, or what never comes up, proves nothing.
      expect(states.size).toBeGreaterThan(GENERATED / 2);
      expect(up).toBeGreaterThan(GENERATED / 2);
    },
    LONG_MS,
  );

  test('a difference is seen: a route that only one of them leaves', async () => {
    const hook = 'PostUp = [ "$PPID" = 1 ] || ip link set dev %i mtu $((1300 + RANDOM))';
    const { differences } = await first().compare({ name: 'wgx', text: section('Address = 10.7.0.1/24', hook) });
    expect(differences.join('\n')).toContain('up, link');
  });

  test('S1 no secret is in any log, event, argument or environment', async () => {
    expect(await leaksOf(lab)).toEqual([]);
  });
});

/** Where the agent differs from wg-quick on purpose, and why. */
describe('R12 argued differences from wg-quick', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: ['alpha'] });
    await lab.host('alpha').agent.start();
  });
  afterAll(() => lab.stop());
  const sh = (script: string): Promise<string> => lab.host('alpha').mustExec(['bash', '-c', script]);
  const call = async (name: string, verb: 'enable' | 'disable'): Promise<void> => {
    const { clientOf, CALL } = await import('../support/agent-client.ts');
    const client = clientOf(lab.host('alpha'));
    await client.setState(name, verb, CALL);
    await client.close();
  };
  const exit = (address: string): string => section(`Address = ${address}`) + peer(1, 'AllowedIPs = 0.0.0.0/0');

  test('the rules of another tunnel with a default route stay: wg-quick down takes them all, and its traffic then leaves by the other way', async () => {
    await lab.host('alpha').writeFile('/etc/wireguard/wg1.conf', exit('10.7.0.1/24'));
    await lab.host('alpha').writeFile('/etc/wireguard/wg2.conf', exit('10.8.0.1/24'));
    await call('wg1', 'enable');
    const rules = await sh('ip rule');
    await call('wg2', 'enable');
    expect(await sh('ip rule | grep -c suppress_prefixlength')).toBe('2\n');
    await call('wg2', 'disable');
    expect(await sh('ip rule')).toBe(rules);
    await call('wg1', 'disable');
    expect(await sh('ip rule')).not.toContain('suppress_prefixlength');
  });

  test('a PreDown that fails does not keep the interface up: the caller wants it down', async () => {
    await lab.host('alpha').writeFile('/etc/wireguard/wg3.conf', section('Address = 10.7.0.1/24', 'PreDown = false'));
    await call('wg3', 'enable');
    await call('wg3', 'disable');
    expect(await sh('ip link show dev wg3 2>/dev/null || echo gone')).toBe('gone\n');
  });

  test('a set-up that fails is taken back with the hooks that ran: wg-quick leaves what they did', async () => {
    const hooks = ['PostUp = echo a > /run/left', 'PostUp = false', 'PostDown = rm -f /run/left', 'PostDown = true'];
    await lab.host('alpha').writeFile('/etc/wireguard/wg4.conf', section('Address = 10.7.0.1/24', ...hooks));
    await expect(call('wg4', 'enable')).rejects.toThrow();
    expect(await sh('ls /run/left 2>/dev/null || echo gone; ip link show dev wg4 2>/dev/null || echo gone')).toBe(
      'gone\ngone\n',
    );
  });
});

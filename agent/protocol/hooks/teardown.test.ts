import { describe, expect, test } from '@jest/globals';
import { EMPTY_CONFIG, type InterfaceConfig } from '../wgquick/config.ts';
import { withTeardown, wrongTeardowns } from './teardown.ts';

type Hooks = Partial<Pick<InterfaceConfig, 'preUp' | 'postUp' | 'preDown' | 'postDown'>>;
const of = (hooks: Hooks): InterfaceConfig => ({ ...EMPTY_CONFIG, ...hooks });

const FORWARD = 'iptables -w -A FORWARD -i %i -j ACCEPT';
const NAT = 'iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE';
const back = (line: string): string => line.replace('-A', '-D');

describe('a set-up without its teardown', () => {
  test.each<{ name: string; hooks: Hooks; expected: Hooks }>([
    {
      name: 'gets it, the last one first',
      hooks: { postUp: [FORWARD, NAT] },
      expected: { preDown: [back(NAT), back(FORWARD)] },
    },
    {
      name: 'as a line, too',
      hooks: { postUp: [`${FORWARD}; ${NAT}`] },
      expected: { preDown: [back(NAT), back(FORWARD)] },
    },
    {
      name: 'behind what is there',
      hooks: { postUp: [FORWARD, NAT], preDown: [back(FORWARD)] },
      expected: { preDown: [back(FORWARD), back(NAT)] },
    },
    { name: 'before the link at the other side', hooks: { preUp: [NAT] }, expected: { postDown: [back(NAT)] } },
    {
      name: 'but none that has it',
      hooks: { postUp: [FORWARD], postDown: ['iptables -D FORWARD -i %i -j ACCEPT || true'] },
      expected: {},
    },
    {
      name: 'nor where the chain is emptied',
      hooks: { postUp: ['iptables -N WG', 'iptables -A WG -j DROP'], preDown: ['iptables -F WG; iptables -X WG'] },
      expected: {},
    },
    {
      name: 'nor what goes with the device',
      hooks: { postUp: ['ip route add 10.9.0.0/16 dev %i', 'sysctl -w net.ipv4.ip_forward=1'] },
      expected: {},
    },
    {
      name: 'of a table of nft the table',
      hooks: { postUp: ['nft add table ip wg_%i; nft add chain ip wg_%i c'] },
      expected: { preDown: ['nft delete table ip wg_%i'] },
    },
    {
      name: 'of a rule and a table of routes',
      hooks: { postUp: ['ip rule add from 10.7.0.0/24 table 77'] },
      expected: { preDown: ['ip rule del from 10.7.0.0/24 table 77'] },
    },
    {
      name: 'of a rule with the table flushed',
      hooks: { postUp: ['ip rule add from 10.7.0.0/24 table 77'], postDown: ['ip rule flush table 77'] },
      expected: {},
    },
    {
      name: 'of ufw',
      hooks: { postUp: ['ufw allow 51820/udp'] },
      expected: { preDown: ['ufw delete allow 51820/udp'] },
    },
    { name: 'what may fail may fail again', hooks: { postUp: [`${NAT} || true`] }, expected: { preDown: [back(NAT)] } },
    {
      name: 'nothing where bash takes something back',
      hooks: { postUp: [NAT], preDown: ['for each in a b; do echo; done'] },
      expected: {},
    },
    { name: 'nothing where it is set up anew: that is told', hooks: { postUp: [NAT], preDown: [NAT] }, expected: {} },
  ])('$name', ({ hooks, expected }) => {
    const completed = withTeardown(of(hooks));
    expect(completed).toEqual({ ...of(hooks), ...expected });
    expect(withTeardown(completed)).toEqual(completed);
  });

  test('-A where -D was meant is named with what was meant', () => {
    expect(wrongTeardowns(of({ postUp: [FORWARD, NAT], preDown: [back(FORWARD), NAT] }))).toMatchObject([
      { list: 'preDown', line: 1, meant: back(NAT) },
    ]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { EMPTY_CONFIG, type InterfaceConfig } from '../wgquick/config.ts';
import { withTeardown, wrongTeardowns } from './teardown.ts';

type Hooks = Partial<Pick<InterfaceConfig, 'preUp' | 'postUp' | 'preDown' | 'postDown'>>;
const of = (hooks: Hooks): InterfaceConfig => ({ ...EMPTY_CONFIG, ...hooks });

const FORWARD = 'iptables -w -A FORWARD -i %i -j ACCEPT';
const NAT = 'iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE';
const lost = (...lines: readonly string[]): string[] => lines.map((line) => `${line} || true`);
const back = (line: string): string => line.replace('-A', '-D');

describe('a set-up without its teardown', () => {
  test.each<{ name: string; hooks: Hooks; expected: Hooks }>([
    {
      name: 'gets it, the last one first',
      hooks: { postUp: [FORWARD, NAT] },
      expected: { postDown: lost(back(NAT), back(FORWARD)) },
    },
    {
      name: 'as a line, too',
      hooks: { postUp: [`${FORWARD}; ${NAT}`] },
      expected: { postDown: lost(back(NAT), back(FORWARD)) },
    },
    {
      name: 'behind what is there',
      hooks: { postUp: [FORWARD, NAT], preDown: [back(FORWARD)] },
      expected: { postDown: lost(back(NAT)) },
    },
    { name: 'before the link at the other side', hooks: { preUp: [NAT] }, expected: { postDown: lost(back(NAT)) } },
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
      expected: { postDown: lost('nft delete table ip wg_wg0') },
    },
    {
      name: 'of a rule and a table of routes',
      hooks: { postUp: ['ip rule add from 10.7.0.0/24 table 77'] },
      expected: { postDown: lost('ip rule del from 10.7.0.0/24 table 77') },
    },
    {
      name: 'of a rule with the table flushed',
      hooks: { postUp: ['ip rule add from 10.7.0.0/24 table 77'], postDown: ['ip rule flush table 77'] },
      expected: {},
    },
    {
      name: 'of ufw',
      hooks: { postUp: ['ufw allow 51820/udp'] },
      expected: { postDown: lost('ufw delete allow 51820/udp') },
    },
    {
      name: 'what may fail may fail again',
      hooks: { postUp: [`${NAT} || true`] },
      expected: { postDown: lost(back(NAT)) },
    },
    {
      name: 'nothing of a table that may be of others',
      hooks: { postUp: ['nft add table inet gw; nft add chain inet gw c'] },
      expected: {},
    },
    {
      name: 'nothing of what a check may have found',
      hooks: { postUp: [`${NAT.replace('-A', '-C')} || ${NAT}`] },
      expected: {},
    },
    {
      name: 'nothing where the same rule is spelled otherwise',
      hooks: {
        postUp: ['iptables -A FORWARD -i %i -s 10.0.0.1/24 -m state --state RELATED -j ACCEPT'],
        preDown: [
          'iptables -D FORWARD -j ACCEPT --source 10.0.0.0/24 --in-interface wg0 -m conntrack --ctstate RELATED',
        ],
      },
      expected: {},
    },
    {
      name: 'nothing where bash takes something back',
      hooks: { postUp: [NAT], preDown: ['for each in a b; do echo; done'] },
      expected: {},
    },
    { name: 'nothing where it is set up anew: that is told', hooks: { postUp: [NAT], preDown: [NAT] }, expected: {} },
  ])('$name', ({ hooks, expected }) => {
    const completed = withTeardown(of(hooks), 'wg0');
    expect(completed).toEqual({ ...of(hooks), ...expected });
    expect(withTeardown(completed, 'wg0')).toEqual(completed);
  });

  test('-A where -D was meant is named with what was meant', () => {
    expect(wrongTeardowns(of({ postUp: [FORWARD, NAT], preDown: [back(FORWARD), NAT] }), 'wg0')).toMatchObject([
      { list: 'preDown', line: 1, meant: back(NAT) },
    ]);
  });
});

import { expect, test } from '@jest/globals';
import { reportHooks } from './check-hooks.ts';

const HOST = { device: 'wg0', allowed: [{ path: '/etc/wireguard/own.sh', args: [/^%i$/] }] };

test('each hook of a file is told with its line in the file, or with the reason and the place', () => {
  const file = `[Interface]
PrivateKey = x
PostUp = iptables -A FORWARD -i wg0 -j ACCEPT; sysctl -w net.ipv4.ip_forward=1
PostUp = /etc/wireguard/own.sh %i
PreDown = curl http://192.0.2.1
`;
  const { text, exitCode } = reportHooks(file, HOST);
  expect(exitCode).toBe(1);
  expect(text.split('\n')).toEqual([
    'ok       PostUp 1     iptables -w -A FORWARD -i wg0 -j ACCEPT; sysctl -w net.ipv4.ip_forward=1',
    'ok       PostUp 2     /etc/wireguard/own.sh %i',
    'refused  PreDown 1    curl http://192.0.2.1',
    expect.stringMatching(/^ {22}`curl` at character 1: .*allowCommands/),
    '2 of 3 hooks are taken',
    '',
    '# The same as firewall intents, which need no teardown and are healed by name:',
    'spec:',
    '  interface:',
    '    firewall:',
    '      - {name: forward-1, type: Forward, forward: {}}',
    '      - {name: ipforwarding-1, type: IPForwarding, ipForwarding: {families: [IPv4]}}',
    '',
  ]);
});

test('a text that is no file has a hook in each line', () => {
  expect(reportHooks('ip route add 10.0.0.0/8 dev wg0 table 7\n\n# note\ntrue\n', HOST)).toEqual({
    text: 'ok       line 1       ip route add 10.0.0.0/8 dev wg0 table 7\nok       line 4       true\n2 of 2 hooks are taken\n',
    exitCode: 0,
  });
});

test('S1 a key in a hook is not printed', () => {
  const key = `${'A'.repeat(42)}E=`;
  expect(reportHooks(`wg set %i peer x preshared-key <(echo ${key})`, HOST).text).not.toContain(key);
});

test('a teardown that sets up anew is told', () => {
  const rule = 'iptables -w -A FORWARD -i wg0 -j ACCEPT';
  expect(reportHooks(`[Interface]\nPostUp = ${rule}\nPreDown = ${rule}\n`, HOST).text).toContain(
    'wrong    PreDown 1    it sets up anew what it should take back; `iptables -w -D FORWARD -i wg0 -j ACCEPT` was meant',
  );
});

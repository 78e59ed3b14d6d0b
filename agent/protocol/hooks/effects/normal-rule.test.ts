import { expect, test } from '@jest/globals';
import { normalRule } from './normal-rule.ts';

test.each([
  ['-s 0/0 -i wg0 -j ACCEPT', '-i wg0 -j ACCEPT'],
  ['-s 0.0.0.0/0 -d 0.0.0.0/0.0.0.0 -i wg0 -j ACCEPT', '-i wg0 -j ACCEPT'],
  ['--source ::/0 -i wg0 -j ACCEPT', '-i wg0 -j ACCEPT'],
  ['-s 10.0.0.5/24 -j ACCEPT', '--src 10.0.0.0/255.255.255.0 -j ACCEPT'],
  ['! -s 10.0.0.5/24 -j DROP', '! --source 10.0.0.0/24 -j DROP'],
  ['-s 10.0.0.5 -j ACCEPT', '-s 10.0.0.5/32 -j ACCEPT'],
  ['-s 10.0.0.1,10.0.0.2/32 -j ACCEPT', '-s 10.0.0.2,10.0.0.1 -j ACCEPT'],
  ['-s FD00::5/64 -j ACCEPT', '-s fd00::/64 -j ACCEPT'],
  ['-p 6 --dport 80:80 -j ACCEPT', '-p tcp -m tcp --dport 80 -j ACCEPT'],
  ['-p 17 --dport :1023 -j ACCEPT', '-m udp -p UDP --dport 0:1023 -j ACCEPT'],
  ['-p udp --sport 1024: -j ACCEPT', '-p udp --sport 1024:65535 -j ACCEPT'],
  ['-p icmpv6 -j ACCEPT', '-p 58 -j ACCEPT'],
  ['-p all -i + -j ACCEPT', '-j ACCEPT'],
])('one rule in two spellings: %s', (left, right) => {
  expect(normalRule(left)).toBe(normalRule(right));
});

test.each([
  ['! -s 10.0.0.0/24 -j DROP', '-s 10.0.0.0/24 -j DROP'],
  ['-s 10.0.0.0/24 -j DROP', '-d 10.0.0.0/24 -j DROP'],
  ['-s 10.0.0.0/24 -j DROP', '-s 10.0.0.0/25 -j DROP'],
  ['! -s 0/0 -j DROP', '-j DROP'],
  ['-p udp --dport 80:81 -j ACCEPT', '-p udp --dport 80 -j ACCEPT'],
  ['-p udp -j ACCEPT', '-p tcp -j ACCEPT'],
])('two rules: %s', (left, right) => {
  expect(normalRule(left)).not.toBe(normalRule(right));
});

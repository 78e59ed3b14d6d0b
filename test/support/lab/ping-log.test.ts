import { expect, test } from '@jest/globals';
import { PingLog, type PingSummary } from './ping-log.ts';

const START = 1_700_000_000;
const stamp = (atMs: number): string => `[${(START + atMs / 1000).toFixed(6)}]`;
const reply = (sequence: number, atMs: number): string =>
  `${stamp(atMs)} 64 bytes from 10.0.0.2: icmp_seq=${String(sequence)} ttl=64 time=0.4 ms\n`;
const noAnswer = (sequence: number, atMs: number): string =>
  `${stamp(atMs)} no answer yet for icmp_seq=${String(sequence)}\n`;

function summaryOf(lines: readonly string[], last?: number): PingSummary {
  const log = new PingLog();
  log.add('PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n');
  for (const line of lines) log.add(line);
  return log.summary(last ?? log.sent());
}

const cases: readonly [string, PingSummary, readonly string[]][] = [
  [
    'every probe has a reply',
    { sent: 3, received: 3, lost: 0, longestGapMs: 20 },
    [reply(1, 0), reply(2, 20), reply(3, 40)],
  ],
  [
    'a probe without a reply is lost',
    { sent: 3, received: 2, lost: 1, longestGapMs: 40 },
    [reply(1, 0), noAnswer(2, 40), reply(3, 40)],
  ],
  [
    'a late reply is no loss',
    { sent: 2, received: 2, lost: 0, longestGapMs: 30 },
    [reply(1, 0), noAnswer(2, 25), reply(2, 30)],
  ],
  [
    'a second reply to one probe counts once',
    { sent: 1, received: 1, lost: 0, longestGapMs: 1 },
    [reply(1, 0), reply(1, 1)],
  ],
  [
    'an ICMP error is no reply',
    { sent: 2, received: 1, lost: 1, longestGapMs: 20 },
    [reply(1, 0), `${stamp(20)} From 10.0.0.9 icmp_seq=2 Destination Host Unreachable\n`],
  ],
  [
    'the outage may still last',
    { sent: 3, received: 1, lost: 2, longestGapMs: 60 },
    [reply(1, 0), noAnswer(2, 40), noAnswer(3, 60)],
  ],
];

test.each(cases)('%s', (_name, expected, lines) => {
  expect(summaryOf(lines)).toEqual(expected);
});

test('probes after the last one that counts are left out', () => {
  expect(summaryOf([reply(1, 0), noAnswer(2, 40)], 1)).toEqual({ sent: 1, received: 1, lost: 0, longestGapMs: 0 });
});

test('lines may come in pieces', () => {
  expect(summaryOf(Array.from(reply(1, 0)))).toMatchObject({ sent: 1, received: 1 });
});

test('counts on when the 16 bits of the sequence number are used up', () => {
  const log = new PingLog();
  for (let sequence = 1; sequence <= 65_537; sequence += 1) log.add(reply(sequence % 65_536, sequence * 20));
  expect(log.summary(log.sent())).toMatchObject({ sent: 65_537, received: 65_537, lost: 0 });
});

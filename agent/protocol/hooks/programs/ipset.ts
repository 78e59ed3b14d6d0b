import type { Program } from './program.ts';

/** ipset(8), without what reads a file. */
export const IPSET: Program = {
  names: ['ipset'],
  usage: {
    usage: `[ -exist | -! | -q ] ( create <name> <set-type> @setting * | ( add | del ) <name> <element> @entry * | ( flush | destroy ) <own-set> ) [ -exist | -! ]`,
    setting:
      'family ( inet | inet6 ) | ( hashsize | maxelem | timeout ) <number> | range <element> | counters | comment',
    entry: 'timeout <number> | comment <comment>',
  },
};

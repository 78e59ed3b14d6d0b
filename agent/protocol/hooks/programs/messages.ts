import { refuse } from '../refusal.ts';
import type { Checked, Program } from './program.ts';

/** ping(8): a few packets, so that a tunnel shakes hands. */
export const PING: Program = {
  names: ['ping'],
  usage: {
    usage:
      '( -c <pings> | -W <pings> | -w <pings> | -I <device> | -q | -n | -4 | -6 | @joined ) * <address> ( -c <pings> | -W <pings> | -q | @joined ) *',
    joined: '-c1 | -c2 | -c3 | -c4 | -c5 | -W1 | -W2 | -W3 | -W5',
  },
  check: ({ program, args }: Checked) => {
    if (!args.some(({ text }) => text.startsWith('-c')))
      refuse(program, 'would never end', { allowed: '-c with a number up to 10' });
  },
};

/** logger(1), of text alone. */
export const LOGGER: Program = {
  names: ['logger'],
  usage: { usage: '( ( -t | --tag ) <tag> | ( -p | --priority ) <log-priority> ) * <message> <message> *' },
};

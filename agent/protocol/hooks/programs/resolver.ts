import type { Program } from './program.ts';

/** resolvectl(1). */
export const RESOLVECTL: Program = {
  names: ['resolvectl'],
  usage: {
    usage: `dns <own> <server> * | domain <own> <domain> * | revert <own> | flush-caches
      | ( default-route | dnssec | dnsovertls | llmnr | mdns ) <own> <yes-no>`,
  },
};

/** resolvconf(8), that of openresolv. The record of the interface is its own. */
export const RESOLVCONF: Program = {
  names: ['resolvconf'],
  usage: { usage: '[ -f ] ( -a <record> ( -m <number> | -x | -p ) * | -d <record> [ -f ] )' },
};

import type { Program } from './program.ts';

/** wg(8): keys from files and the mark; all else of the interface is in its file. */
export const WG: Program = {
  names: ['wg'],
  usage: {
    usage: 'set <own> ( private-key <key-file> | fwmark <mark> | peer <public-key> preshared-key <key-file> ) *',
  },
};

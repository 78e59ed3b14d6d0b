import { refuse } from '../refusal.ts';
import type { Checked, Program } from './program.ts';

const DEFAULTS = ['default', '0.0.0.0/0', '::/0'];
/** What may cut the host off. */
const REPLACES = ['del', 'delete', 'replace', 'change'];

/** ip-address(8), ip-route(8), ip-rule(8), ip-link(8). What reads files, moves devices or runs programs is not in it. */
export const IP: Program = {
  names: ['ip'],
  usage: {
    usage: '[ -4 | -6 ] ( @address | @route | @rule | @link )',
    address: '( address | addr | a ) ( add | del | delete | replace ) <cidr> @label * dev <device> @label *',
    label: '( scope <scope> | noprefixroute | nodad | ( valid_lft | preferred_lft ) forever )',
    route: `( route | ro | r ) ( ( add | del | delete | replace | append | prepend | change )
        [ unicast | local | unreachable | blackhole | prohibit ] @hop * @prefix @hop * | flush table <own-table> )`,
    prefix: 'default | to <destination> | <destination>',
    hop: `via [ inet | inet6 ] <address> | dev <device> | table <table> | ( metric | preference ) <number> | src <address>
      | mtu [ lock ] <mtu> | advmss <mss> | ( proto | protocol ) <origin> | scope <scope> | onlink`,
    rule: '( rule | ru ) ( ( add | del | delete ) @selector * | flush table <own-table> )',
    selector: `not | ( from | to ) <destination> | ( iif | oif | dev ) <device> | fwmark <mark> | ipproto <protocol>
      | ( sport | dport ) <port-range> | ( table | lookup ) <table> | ( priority | preference | pref | prio | order ) <priority>
      | ( suppress_prefixlength | suppress_prefixlen ) <prefix> | unreachable | blackhole | prohibit`,
    link: `( link | l ) ( set [ dev ] <own> @setting * | set [ dev ] <derived> ( @setting | down | master <derived> | nomaster ) *
      | add [ dev | name ] <derived> type ( dummy | bridge | vrf table <table> | veth peer [ name ] <derived> )
      | ( del | delete ) [ dev ] <derived> )`,
    setting: 'mtu <mtu> | ( txqueuelen | qlen ) <number> | up',
  },
  check: ({ args, context: { device } }: Checked) => {
    const texts = args.map(({ text }) => text);
    const network = args.find(({ text }) => DEFAULTS.includes(text));
    const isRoute = ['route', 'ro', 'r'].includes(texts.find((text) => !text.startsWith('-')) ?? '');
    const [through, table] = ['dev', 'table'].map((word) => texts[texts.indexOf(word) + 1]);
    const isElsewhere = texts.includes('table') && !/^(?:main|254)$/.test(table ?? '');
    const isOwn = texts.includes('dev') && (through === '%i' || device === null || through === device);
    if (network === undefined || !isRoute || isElsewhere || isOwn || !texts.some((text) => REPLACES.includes(text)))
      return;
    refuse(network, 'the default route of the host is not of this interface', {
      allowed: 'dev %i, or a table of its own',
    });
  },
};

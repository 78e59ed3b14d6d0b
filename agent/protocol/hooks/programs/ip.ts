import type { Program } from './program.ts';

/** ip-address(8), ip-route(8), ip-rule(8), ip-link(8). What reads files, moves devices or runs programs is not in it. */
export const IP: Program = {
  names: ['ip'],
  usage: {
    usage: '[ -4 | -6 ] ( @address | @route | @rule | @link )',
    address: '( address | addr | a ) ( add | del | delete | replace ) <cidr> @label * dev <device> @label *',
    label: '( scope <scope> | noprefixroute | nodad | ( valid_lft | preferred_lft ) forever )',
    route: `( route | ro | r ) ( ( add | del | delete | replace | append | prepend | change )
        [ unicast | local | unreachable | blackhole | prohibit ] @hop * @prefix @hop * | flush table <table> )`,
    prefix: 'default | to <destination> | <destination>',
    hop: `via [ inet | inet6 ] <address> | dev <device> | table <table> | ( metric | preference ) <number> | src <address>
      | mtu [ lock ] <mtu> | advmss <mss> | ( proto | protocol ) <origin> | scope <scope> | onlink`,
    rule: '( rule | ru ) ( ( add | del | delete ) @selector * | flush table <table> )',
    selector: `not | ( from | to ) <destination> | ( iif | oif | dev ) <device> | fwmark <mark> | ipproto <protocol>
      | ( sport | dport ) <port-range> | ( table | lookup ) <table> | ( priority | preference | pref | prio | order ) <priority>
      | ( suppress_prefixlength | suppress_prefixlen ) <prefix> | unreachable | blackhole | prohibit`,
    link: `( link | l ) ( set [ dev ] <own> @setting * | set [ dev ] <derived> ( @setting | down | master <derived> | nomaster ) *
      | add [ dev | name ] <derived> type ( dummy | bridge | vrf table <table> | veth peer [ name ] <derived> )
      | ( del | delete ) [ dev ] <derived> )`,
    setting: 'mtu <mtu> | ( txqueuelen | qlen ) <number> | up',
  },
};

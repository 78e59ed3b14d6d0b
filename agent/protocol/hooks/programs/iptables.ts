import { refuse } from '../refusal.ts';
import type { Word } from '../words.ts';
import { type Checked, isMadeHere, newWord, type Program } from './program.ts';

const BUILT_IN = ['INPUT', 'OUTPUT', 'FORWARD', 'PREROUTING', 'POSTROUTING'];
const COMMANDS = new Set(
  '-A --append -I --insert -D --delete -C --check -N --new-chain -X --delete-chain -F --flush'.split(' '),
);
/** What acts on a whole chain. */
const EMPTIES = new Set('-X --delete-chain -F --flush'.split(' '));
const WHOLE = new Set('-N --new-chain -X --delete-chain -F --flush'.split(' '));

/** iptables(8), iptables-extensions(8). */
export const IPTABLES: Program = {
  names: ['iptables', 'ip6tables', 'iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'],
  usage: {
    usage: '( @general | @command | @match | @module | @target ) *',
    general: '( -w | --wait ) [ <count> ] | ( -t | --table ) ( filter | nat | mangle | raw )',
    command: `( -A | --append | -D | --delete | -C | --check ) <chain> | ( -I | --insert ) <chain> [ <count> ]
      | ( -N | --new-chain ) <chain> | ( -X | --delete-chain | -F | --flush ) [ <chain> ]`,
    match: '[ ! ] @matched',
    matched: `( -i | --in-interface | -o | --out-interface ) <devices> | ( -s | --source | --src | -d | --destination | --dst ) <networks>
      | ( -p | --protocol | --proto ) <protocol> | --syn | --tcp-flags <tcp-flags> <tcp-flags>
      | ( --sport | --source-port | --dport | --destination-port ) [ ! ] <ports>
      | ( --sports | --source-ports | --dports | --destination-ports | --ports ) [ ! ] <port-list>
      | ( --icmp-type | --icmpv6-type ) <icmp-type> | ( --ctstate | --state ) <states> | --ctdir ( ORIGINAL | REPLY )
      | ( --uid-owner | --gid-owner ) <user> | --mark <mark> | ( --src-type | --dst-type ) <address-type> | ( --limit-iface-in | --limit-iface-out )
      | ( --src-range | --dst-range ) <range> | --match-set <name> <set-flags> | --length <length> | --mac-source <mac>
      | --dir ( in | out ) | --pol ( none | ipsec ) | --pkt-type ( unicast | broadcast | multicast )
      | --dscp-class <dscp-class> | --mss <length> | --connlimit-above <number> | --connlimit-upto <number>`,
    module: `( -m | --match ) ( conntrack | state | tcp | udp | icmp | icmp6 | ipv6-icmp | comment | mark | connmark | addrtype | owner | policy
      | multiport | limit | set | iprange | length | mac | pkttype | dscp | tcpmss | connlimit )
      | --comment <comment> | --limit <limit> | --limit-burst <count>`,
    target: '( -j | --jump ) @action | ( -g | --goto ) <name>',
    action: `( ACCEPT | DROP | RETURN ) | REJECT [ --reject-with <reject-type> ] | MASQUERADE @nat *
      | SNAT @nat * ( --to-source | --to ) <target> @nat * | DNAT @nat * ( --to-destination | --to ) <target> @nat *
      | REDIRECT @nat * [ ( --to-ports | --to-port ) <port-range> ] @nat * | NETMAP --to <network>
      | MARK ( --set-mark | --set-xmark | --or-mark | --and-mark | --xor-mark ) <mark>
      | CONNMARK ( ( --set-mark | --set-xmark ) <mark> | ( --save-mark | --restore-mark ) @masks * )
      | TCPMSS ( --clamp-mss-to-pmtu | --set-mss <mss> ) | DSCP ( --set-dscp-class <dscp-class> | --set-dscp <number> )
      | TPROXY ( --on-port <port> | --on-ip <address> | --tproxy-mark <mark> ) * | NOTRACK
      | LOG ( --log-prefix <log> | --log-level <log-level> ) * | <name>`,
    nat: '--random | --random-fully | --persistent | --to-ports <port-range>',
    masks: '( --mask | --nfmask | --ctmask ) <number>',
  },
  check: ({ program, args, values, context }: Checked) => {
    const commands = args.filter(({ text, runTime }) => runTime === null && COMMANDS.has(text));
    const [command, second] = commands;
    if (command === undefined)
      refuse(program, 'says neither -A, -I, -D, -C, -N, -F nor -X', { allowed: 'one of these' });
    if (second !== undefined) refuse(second, 'is a second command', { allowed: 'one command a rule' });
    const chain = values.find(({ kind }) => kind === 'chain')?.word;
    const instead = 'each rule by itself, with -D';
    const allowed = 'a chain that a hook of this interface makes with -N';
    if (chain === undefined && WHOLE.has(command.text))
      refuse(command, 'acts on every chain of the table, and others have rules there', { allowed, instead });
    if (chain !== undefined && WHOLE.has(command.text) && BUILT_IN.includes(chain.text))
      refuse(chain, 'is a chain of the kernel, and others have rules in it', { allowed, instead });
    if (
      chain !== undefined &&
      EMPTIES.has(command.text) &&
      !isMadeHere(chainKey(program.text, args, chain.text), context)
    )
      refuse(chain, 'is a chain that no hook of this interface makes', { allowed, instead });
  },
  // Others hold the lock, too: without it the command fails at once.
  canonical: (args) =>
    args.some(({ text }) => text === '-w' || text === '--wait') ? args : [newWord('-w', 0), ...args],
};

/** By which a chain is known: of which program, in which table. */
export function chainKey(program: string, args: readonly Word[], chain: string): string {
  const at = args.findIndex(({ text }) => text === '-t' || text === '--table');
  return `${program.slice(program.lastIndexOf('/') + 1)} ${at < 0 ? 'filter' : (args[at + 1]?.text ?? '')} ${chain}`;
}

import { canonicalIp } from '../../address.ts';
import { refuse } from '../refusal.ts';
import type { Word } from '../words.ts';
import { type Checked, isMadeHere, newWord, type Program } from './program.ts';

/** Of nft(8): an address, a number, a name, a sign. Names in double quotes are one piece. */
const PIECE =
  /"[A-Za-z0-9_.%+*@:\/ -]{0,64}"|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]*[0-9a-fA-F:](?:\/[0-9]+)?|[0-9][0-9a-zA-Z.]*(?:\/[0-9]+)?(?:-[0-9a-fA-F.]+)?(?::[0-9]+)?|@?[A-Za-z_%][A-Za-z0-9_.%+-]*|!=|==|<=|>=|[{},;|&*<>=:\/.-]/y;

/** The words of nft are of the text that the arguments are together. */
function piecesOf(words: readonly Word[]): Word[] {
  return words.flatMap((word) => {
    if (word.runTime !== null) return [word];
    const pieces: Word[] = [];
    const { text } = word;
    const quoted = word.token.startsWith(text) ? 0 : 1;
    for (let at = 0; at < text.length;) {
      if (text[at] === ' ' || text[at] === '\t') {
        at += 1;
        continue;
      }
      PIECE.lastIndex = at;
      const piece = PIECE.exec(text)?.[0];
      if (piece === undefined) refuse({ token: text[at] ?? '', at: word.at + at + quoted }, 'is no word of nft');
      pieces.push(newWord(piece, word.at + at + quoted));
      at += piece.length;
    }
    return pieces;
  });
}

/** Tables that other programs make and look after. */
const SHARED = new Set(
  'filter nat mangle raw security firewalld ufw fw4 fw3 docker docker-bridges kube-proxy kubernetes libvirt_network lxc incus lxd f2b-table crowdsec crowdsec6 netavark'.split(
    ' ',
  ),
);

/** nft(8), of the statements and expressions what gateways use. */
export const NFT: Program = {
  names: ['nft'],
  wordsOf: piecesOf,
  usage: {
    usage: '@item [ ; ]',
    item: `( add | create ) ( @table [ { } ] | @chain [ { @hook [ ; ] [ policy ( accept | drop ) [ ; ] ] } ] | @set { @settings * } | @elements )
      | ( add | insert ) rule [ @fam ] <name> <name> [ ( index | position ) <number> ] @statement *
      | ( delete | flush ) ( @table | @chain | @set | @elements )`,
    fam: '( ip | ip6 | inet )',
    table: 'table [ @fam ] <name>',
    chain: 'chain [ @fam ] <name> <name>',
    set: '( set | map ) [ @fam ] <name> <name>',
    elements: 'element [ @fam ] <name> <name> { <nft-value> ( , <nft-value> ) * }',
    settings: `( type <nft-type> ( . <nft-type> ) * | flags ( interval | timeout | constant | dynamic ) ( , ( interval | timeout ) ) * | auto-merge
      | timeout <nft-time> | elements = { <nft-value> ( , <nft-value> ) * } ) [ ; ]`,
    hook: `type ( filter | nat | route ) hook ( prerouting | input | forward | output | postrouting | ingress )
      priority ( <nft-priority> [ ( - | + ) ] [ <number> ] | - <number> )`,
    statement: `meta mark set @value | ct mark set @value | mark set @value | ct state vmap { @verdicts }
      | ( meta ( iifname | oifname | iif | oif | iiftype | oiftype | mark | l4proto | nfproto | pkttype | skuid ) | iifname | oifname | iif | oif
          | ( ip | ip6 ) ( saddr | daddr | protocol | nexthdr | dscp | length )
          | ( tcp | udp | th | sctp ) ( sport | dport ) | tcp flags | icmp type | icmpv6 type | ct ( state | mark | status | direction )
          | fib ( saddr | daddr ) ( type | . iif oif ) ) [ @compare ] @value
      | tcp option maxseg size set ( rt mtu | <number> ) | ( ip | ip6 ) dscp set <nft-value>
      | counter [ packets <number> bytes <number> ] | limit rate [ over ] <number> / <nft-value>
      | log ( prefix <nft-text> | level <log-level> ) * | comment <nft-text> | notrack
      | masquerade @natflags * | snat [ @fam ] [ to ] @value @natflags * | dnat [ @fam ] [ to ] @value @natflags *
      | redirect [ to ] [ @value ] | accept | drop | return | continue | reject [ with ( icmp | icmpv6 | icmpx | tcp ) ( type <nft-value> | reset ) ]
      | ( jump | goto ) <name>`,
    compare: '( != | == | < | > | <= | >= | & @value ( != | == | < | > ) )',
    value:
      '{ @values } | ( ct mark | meta mark ) [ ( & | <bar> ) <nft-value> ] | <nft-value> ( ( , | - | <bar> ) <nft-value> ) *',
    values: '<nft-value> ( ( , | - ) <nft-value> ) * [ , ]',
    verdicts: '@verdict ( , @verdict ) *',
    verdict: '<nft-value> : ( accept | drop )',
    natflags: '( random | fully-random | persistent )',
  },
  check: ({ args, values, context }: Checked) => {
    const texts = piecesOf(args).map(({ text }) => text);
    const table = values.find(({ kind }) => kind === 'name')?.word;
    const [verb = ''] = texts;
    const isTaking = verb === 'delete' || verb === 'flush' || (texts.includes('policy') && texts.includes('drop'));
    if (table === undefined || !isTaking) return;
    const family = texts.find((text) => /^(?:ip|ip6|inet)$/.test(text)) ?? 'ip';
    if (
      !SHARED.has(table.text) &&
      (isNamedAfter(table.text, context.device) || isMadeHere(`nft ${family} ${table.text}`, context))
    )
      return;
    refuse(table, 'is a table that others have rules in', {
      allowed: 'a table of the interface alone, as wg_%i, or one that a hook of it makes',
      instead: 'a table of your own in PostUp: its chains hook in where those of others do',
    });
  },
  // Older versions take a word that begins with `-` for an option, wherever it stands.
  canonical: (args) => {
    const [first] = args;
    if (first === undefined || !args.some(({ text }) => text.startsWith('-'))) return args;
    return [
      newWord(
        piecesOf(args)
          .map(({ text }) => text)
          .join(' '),
        first.at,
      ),
    ];
  },
};

/** `wg_wg0`, `wg0-nat`: set off by a sign, as a short name of an interface is a part of many words. */
export const isNamedAfter = (table: string, device: string | null): boolean =>
  ['_', '-', '.'].some(
    (sign) => table.startsWith(`${device ?? '%i'}${sign}`) || table.endsWith(`${sign}${device ?? '%i'}`),
  );

const NUMBER = /^(?:[0-9]+|0x[0-9a-fA-F]+)$/;
const isAddress = (text: string): boolean => canonicalIp(text) !== undefined;

/** A value in an expression: a name of the host, a number, an address, a range of these. */
export function isNftValue(text: string): boolean {
  if (/^"[A-Za-z0-9_.%+*@:\/ -]*"$/.test(text) || /^@?[A-Za-z_%][A-Za-z0-9_.%+-]*$/.test(text) || NUMBER.test(text))
    return true;
  if (text === '*') return true;
  const [network = '', prefix] = text.split('/');
  const ends = network.split('-');
  if (prefix !== undefined && !/^[0-9]{1,3}$/.test(prefix)) return false;
  return (
    ends.length <= 2 &&
    ends.every((end) => isAddress(end) || NUMBER.test(end) || isAddress(end.replace(/:[0-9]{1,5}$/, '')))
  );
}

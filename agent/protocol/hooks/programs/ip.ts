import { refuse } from '../refusal.ts';
import { RESERVED_TABLES } from '../kinds.ts';
import type { Word } from '../words.ts';
import { type Checked, isMadeHere, type Program } from './program.ts';

/** What takes away or puts in the place of another. */
const TAKES = new Set('del delete replace change append prepend'.split(' '));
const ONCE = ['dev', 'table', 'lookup', 'via'];
/** Priorities of the rules that the kernel begins with. */
const KERNEL_RULES = new Set(['0', '32766', '32767']);
const SELECTS = new Set(
  'fwmark iif oif ipproto sport dport uidrange suppress_prefixlength suppress_prefixlen'.split(' '),
);

/** A destination that is everything, however it is spelled. */
const isEverything = (text: string): boolean => {
  const [address = '', prefix] = text.split('/');
  return (
    /^(?:default|any|all)$/.test(text) ||
    (prefix !== undefined && /^(?:0+|0[xX]0+|0\.0\.0\.0)$/.test(prefix)) ||
    /^(?:0+\.)*0+$/.test(address)
  );
};

/** The words behind each of the words. */
const behind = (texts: readonly string[], word: string): string[] =>
  texts.flatMap((text, at) => (text === word ? (texts[at + 1] ?? []) : []));

/** ip-address(8), ip-route(8), ip-rule(8), ip-link(8). What reads files, moves devices or runs programs is not in it. */
export const IP: Program = {
  names: ['ip'],
  usage: {
    usage: '[ -4 | -6 ] ( @address | @route | @rule | @link )',
    address: '( address | addr | a ) ( add | del | delete | replace ) <cidr> @label * dev <device> @label *',
    label: '( scope <scope> | noprefixroute | nodad | ( valid_lft | preferred_lft ) forever )',
    route: `( route | ro | r ) ( ( add | del | delete | replace | append | prepend | change )
        [ unicast | local | unreachable | blackhole | prohibit | throw ] @hop * @prefix @hop * | flush table <own-table> )`,
    prefix: 'default | to <destination> | <destination>',
    hop: `via [ inet | inet6 ] <address> | dev <device> | table <table> | ( metric | preference ) <number> | src <address>
      | mtu [ lock ] <mtu> | advmss <mss> | ( proto | protocol ) <origin> | scope <scope> | onlink`,
    rule: '( rule | ru ) ( ( add | del | delete ) @selector * | flush table <own-table> )',
    selector: `not | ( from | to ) <destination> | ( iif | oif | dev ) <device> | fwmark <mark> | ipproto <protocol> | uidrange <user>
      | ( sport | dport ) <port-range> | ( table | lookup ) <table> | ( priority | preference | pref | prio | order ) <priority>
      | ( suppress_prefixlength | suppress_prefixlen ) <prefix> | unreachable | blackhole | prohibit`,
    link: `( link | l ) ( set [ dev ] <derived> ( @setting | down | master <derived> | nomaster ) * | set [ dev ] <own> @setting *
      | add [ dev | name ] <derived> type ( dummy | bridge | vrf table <table> | veth peer [ name ] <derived> )
      | ( del | delete ) [ dev ] <derived> )`,
    setting: 'mtu <mtu> | ( txqueuelen | qlen ) <number> | up',
  },
  check: (command: Checked) => {
    const texts = command.args.map(({ text }) => text);
    for (const word of ONCE)
      if (behind(texts, word).length > 1)
        refuse(lastOf(command.args, word), 'is there twice, and ip takes the last', { allowed: 'each once' });
    const object = texts.find((text) => !text.startsWith('-')) ?? '';
    if (/^r(?:o|oute)?$/.test(object)) checkRoute(command, texts);
    else if (/^ru(?:le)?$/.test(object)) checkRule(command, texts);
    else if (TAKES.has(verbOf(texts))) checkTaken(command, texts);
  },
};

const lastOf = (args: readonly Word[], text: string): Word =>
  args.findLast((word) => word.text === text) ?? { text, runTime: null, token: text, at: 0, isBare: true };
const verbOf = (texts: readonly string[]): string => texts.filter((text) => !text.startsWith('-'))[1] ?? '';

/** Whether a device is of the interface, or may be taken to be. */
const isOurs = (device: string | undefined, { device: own }: Checked['context']): boolean =>
  device !== undefined && (device === '%i' || own === null || device === own);

/** Routes of the main table that are not through the interface go as they came: by these hooks. */
function checkRoute({ values, context }: Checked, texts: readonly string[]): void {
  const destination = values.find(({ kind }) => kind === 'destination')?.word;
  const [table] = behind(texts, 'table');
  const isElsewhere = table !== undefined && !RESERVED_TABLES.has(table);
  if (!TAKES.has(verbOf(texts)) || isElsewhere || isOurs(behind(texts, 'dev')[0], context)) return;
  const word = destination ?? lastOf([], 'default');
  const allowed = 'dev %i, or a table of its own';
  if (destination === undefined || isEverything(destination.text))
    refuse(word, 'the default route of the host is not of this interface', { allowed });
  if (!isMadeHere(`route ${destination.text}`, context))
    refuse(word, 'is the route of somebody else: no hook of this interface adds it', { allowed });
}

function checkRule({ program, values }: Checked, texts: readonly string[]): void {
  const priority = values.find(({ kind }) => kind === 'priority')?.word;
  const allowed = 'a rule that from, to, fwmark, iif, a priority or a table of its own tells from those of others';
  if (priority !== undefined && KERNEL_RULES.has(priority.text))
    refuse(priority, 'is the place of a rule of the kernel', { allowed: 'a priority from 1 to 32765' });
  const networks = values.filter(({ kind }) => kind === 'destination');
  const isSelected = texts.some((text) => SELECTS.has(text)) || networks.some(({ word }) => !isEverything(word.text));
  const table = values.find(({ kind }) => kind === 'table')?.word.text;
  const isTold = priority !== undefined || (table !== undefined && !RESERVED_TABLES.has(table));
  const ends = texts.some((text) => /^(?:blackhole|prohibit|unreachable)$/.test(text));
  if (texts.includes('flush') || isSelected || (isTold && !ends)) return;
  refuse(program, 'the rule would be that of all traffic, or of others', { allowed });
}

/** Addresses and links of others stay. */
function checkTaken({ args, values, context }: Checked, texts: readonly string[]): void {
  const derived = values.find(({ kind }) => kind === 'derived')?.word;
  const [device] = behind(texts, 'dev');
  const address = values.find(({ kind }) => kind === 'cidr')?.word;
  const [word, key] =
    derived !== undefined
      ? [derived, `link ${derived.text}`]
      : [address ?? lastOf(args, 'dev'), `address ${address?.text ?? ''} ${device ?? ''}`];
  if ((derived === undefined && isOurs(device, context)) || isMadeHere(key, context)) return;
  refuse(word, 'is of somebody else: no hook of this interface adds it', { allowed: 'what another hook of it adds' });
}

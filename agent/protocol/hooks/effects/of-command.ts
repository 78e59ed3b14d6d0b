import { isIptables, shortOption } from '../iptables-words.ts';
import { normalRule } from './normal-rule.ts';
import { canonicalIp, parseNetwork } from '../../address.ts';
import type { HookCommand } from '../hook.ts';
import type { Effect, PlainRoute, PolicyRule } from './effect.ts';

/** What a command does to the effects of those before it. */
export type Change =
  | { readonly makes: readonly Effect[] }
  /** Takes away every effect for which it holds. */
  | { readonly takes: (effect: Effect) => boolean };

const NOTHING: Change = { makes: [] };

/** `words`: `%i` replaced; null = only known at run time. */
export type Words = readonly (string | null)[];

/** The words of a command of that interface. */
export const wordsOf = ({ args }: HookCommand, device: string): (string | null)[] =>
  args.map(({ text, runTime }) => (runTime === null || runTime.kind === 'file' ? text.replaceAll('%i', device) : null));

/** Pure; of what nobody can look at it makes nothing. */
export function changeOf({ program, isIdle }: HookCommand, words: Words): Change {
  if (isIdle) return NOTHING;
  if (isIptables(program)) return ofIptables(program, words);
  if (program === 'ip') return ofIp(words);
  if (program === 'sysctl') return { makes: words.flatMap(settingOf) };
  return program === 'nft' ? ofNft(words) : NOTHING;
}

// What iptables-restore(8) would read otherwise than iptables(8).
const UNSURE = /["\\\n]/;
const BARE = /^[A-Za-z0-9_.:/,@%+=!-]+$/;

function ofIptables(program: string, words: Words): Change {
  const left: string[] = [];
  let [table, verb, chain] = ['filter', '', ''];
  for (let at = 0; at < words.length; at += 1) {
    const [word, next] = [words[at], words[at + 1]];
    if (word === null || word === undefined || UNSURE.test(word)) return NOTHING;
    const option = shortOption(word);
    if (option === '-w') {
      if (/^[0-9]+$/.test(next ?? '')) at += 1;
    } else if (option === '-t') {
      table = next ?? '';
      at += 1;
    } else if (/^-[ADCINXF]$/.test(option)) {
      verb = option;
      chain = next ?? '';
      at += verb === '-I' && /^[0-9]+$/.test(words[at + 2] ?? '') ? 2 : 1;
    } else left.push(BARE.test(word) ? word : `"${word}"`);
  }
  const where = { program, table, chain };
  const isHere = (effect: Effect): boolean =>
    'program' in effect && effect.program === program && effect.table === table && effect.chain === chain;
  const rule = left.join(' ');
  if (verb === '-A' || verb === '-I') return { makes: [{ kind: 'firewall rule', ...where, rule }] };
  if (verb === '-N') return { makes: [{ kind: 'firewall chain', ...where }] };
  if (verb === '-D') {
    const normal = normalRule(rule);
    return {
      takes: (effect) => isHere(effect) && effect.kind === 'firewall rule' && normalRule(effect.rule) === normal,
    };
  }
  if (verb === '-F') return { takes: (effect) => isHere(effect) && effect.kind === 'firewall rule' };
  return verb === '-X' ? { takes: isHere } : NOTHING;
}

const TABLES: Readonly<Record<string, string>> = { main: '254', local: '255', default: '253' };
/** The number of a table; of a name of the host nobody knows it here. */
const tableOf = (name: string): string | undefined => TABLES[name] ?? (/^[0-9]+$/.test(name) ? name : undefined);

/** A network of ip(8), `default` = everything; undefined = none. */
const networkText = (text: string, version: '-4' | '-6'): string | undefined =>
  /^(?:default|any|all)$/.test(text) ? (version === '-4' ? '0.0.0.0/0' : '::/0') : parseNetwork(text);

const isV6Text = (text: string): boolean => /^[0-9a-fA-F]*:/.test(text);

function ofIp(words: Words): Change {
  if (words.includes(null)) return NOTHING;
  const texts = words as readonly string[];
  const own = texts.filter((text) => !/^-[46]$/.test(text));
  const version = texts.includes('-6') || own.some(isV6Text) ? '-6' : '-4';
  const [object = '', verb = '', ...rest] = own;
  const isRule = /^ru(?:le)?$/.test(object);
  if (!isRule && !/^r(?:o|oute)?$/.test(object)) return NOTHING;
  if (verb === 'flush') {
    const table = tableOf(rest[1] ?? '');
    const kind = isRule ? 'policy rule' : 'route';
    return { takes: (effect) => effect.kind === kind && effect.version === version && effect.table === table };
  }
  const effect = isRule ? ruleOf(rest, version) : routeOf(rest, version);
  if (effect === null) return NOTHING;
  if (/^(?:add|append|prepend|replace|change)$/.test(verb)) return { makes: [effect] };
  // `del` names what it takes by a part of it, maybe.
  return { takes: (other) => other.kind === effect.kind && isPartOf(effect, other) };
}

const isPartOf = (part: object, whole: object): boolean =>
  Object.entries(part).every(
    ([name, value]) =>
      (name === 'isNot' && value === false) || (whole as Readonly<Record<string, unknown>>)[name] === value,
  );

function ruleOf(words: readonly string[], version: '-4' | '-6'): PolicyRule | null {
  const values: { -readonly [K in keyof PolicyRule]?: PolicyRule[K] } = {};
  for (let at = 0; at < words.length; at += 1) {
    const [word = '', next = ''] = words.slice(at, at + 2);
    if (word === 'not' || /^(?:unreachable|blackhole|prohibit)$/.test(word)) continue;
    at += 1;
    if (word === 'from' || word === 'to') {
      const network = networkText(next, version);
      if (network === undefined) return null;
      if (!network.endsWith('/0')) values[word] = network;
    } else if (word === 'iif' || word === 'dev') values.iif = next;
    else if (word === 'oif') values.oif = next;
    else if (word === 'fwmark') {
      if (Number(next) !== 0) values.mark = markOf(next);
    } else if (word === 'table' || word === 'lookup') {
      const table = tableOf(next);
      if (table === undefined) return null;
      values.table = table;
    } else if (/^(?:priority|preference|pref|prio|order)$/.test(word)) values.priority = Number(next);
    else if (word.startsWith('suppress_prefix')) values.suppress = Number(next);
  }
  return { ...values, kind: 'policy rule', version, isNot: words.includes('not') };
}

/** `MARK` or `MARK/MASK` in any base, as decimals. */
export function markOf(text: string): string {
  const [mark = '', mask = '0xffffffff'] = text.split('/');
  return `${String(Number(mark))}/${String(Number(mask))}`;
}

const ROUTE_TYPES = /^(?:unicast|local|unreachable|blackhole|prohibit|throw)$/;
const WITH_VALUE = /^(?:via|dev|table|metric|preference|src|mtu|advmss|proto|protocol|scope)$/;

function routeOf(words: readonly string[], version: '-4' | '-6'): PlainRoute | null {
  const values: { -readonly [K in keyof PlainRoute]?: PlainRoute[K] } = { table: '254' };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === 'onlink' || word === 'to') continue;
    if (ROUTE_TYPES.test(word)) {
      if (word !== 'unicast') values.type = word;
      if (word === 'local') values.table = '255';
      continue;
    }
    if (!WITH_VALUE.test(word)) {
      const network = networkText(word, version);
      if (network === undefined) return null;
      values.destination = network;
      continue;
    }
    at += /^(?:inet6?|lock)$/.test(words[at + 1] ?? '') ? 2 : 1;
    const value = words[at] ?? '';
    if (word === 'dev') values.dev = value;
    else if (word === 'via') values.via = canonicalIp(value) ?? value;
    else if (word === 'metric' || word === 'preference') {
      // 0 is what is not said.
      if (Number(value) !== 0) values.metric = Number(value);
    } else if (word === 'table') {
      const table = tableOf(value);
      if (table === undefined) return null;
      values.table = table;
    }
  }
  const { destination, table = '254' } = values;
  return destination === undefined ? null : { ...values, kind: 'route', version, destination, table };
}

function settingOf(word: string | null): Effect[] {
  const [, key, value] = /^([A-Za-z0-9_.@%-]+)=([0-9]+)$/.exec(word ?? '') ?? [];
  return key === undefined ? [] : [{ kind: 'setting', key, value: Number(value) }];
}

/** Only in a chain that these hooks make is every rule theirs: `effectsOf` looks to that, and counts. */
function ofNft(words: Words): Change {
  const text = words.includes(null) ? '' : words.join(' ');
  const match = /^(add|create|insert|delete|flush) (table|chain|rule) (?:(ip6?|inet) )?([^ ;{]+)(?: ([^ ;{]+))?/.exec(
    text,
  );
  const [, verb = '', object, family = 'ip', table = '', chain = null] = match ?? [];
  if (object === undefined) return NOTHING;
  if (verb === 'delete' || verb === 'flush') {
    const isGone = verb === 'delete';
    return {
      takes: (effect) =>
        effect.kind === 'nft' &&
        effect.family === family &&
        effect.table === table &&
        (object === 'table' || effect.chain === chain) &&
        (isGone || effect.rule !== null),
    };
  }
  const part = { kind: 'nft', family, table } as const;
  if (object === 'table') return { makes: [{ ...part, chain: null, rule: null }] };
  return { makes: [{ ...part, chain, rule: object === 'rule' ? 0 : null }] };
}

import type { AllowedCommand, CommandList, Hook, HookCommand, HookContext, Link, Quiet } from './hook.ts';
import { insteadOfProgram, insteadOfWord } from './instead.ts';
import { KINDS } from './kinds.ts';
import { PROGRAMS } from './programs/index.ts';
import type { Program } from './programs/program.ts';
import { newWord } from './programs/program.ts';
import { isSysctlKey } from './programs/sysctl.ts';
import { type Refusal, refuse, RefusedError } from './refusal.ts';
import { renderHook } from './render-hook.ts';
import { Syntax } from './syntax.ts';
import { isSign, Lexer, MAX_HOOK_LENGTH, type Sign, type Token, type Word } from './words.ts';

export type ParsedHook = { readonly hook: Hook } | { readonly refusal: Refusal };

/**
 * Reads a hook as bash would, into commands whose words are known, or says why it is not taken. Pure. What it takes runs nothing but the
 * programs in `PROGRAMS`, `echo`, and those of the host's policy.
 */
export function parseHook(line: string, context: HookContext): ParsedHook {
  const parsed = parseOnce(line, context);
  if ('refusal' in parsed || parsed.hook.lists.flat().some(({ command }) => command.isOfHost)) return parsed;
  // What is written must be read back as it is: a line that is not would be the host's own word, and run in bash.
  const canonical = renderHook(parsed.hook);
  const again = parseOnce(canonical, context);
  if ('hook' in again && renderHook(again.hook) === canonical) return parsed;
  const reason = 'too long or too involved once it is written out';
  return { refusal: { token: '', at: line.length, reason, allowed: null, instead: 'several hooks' } };
}

function parseOnce(line: string, context: HookContext): ParsedHook {
  try {
    if (line.length > MAX_HOOK_LENGTH)
      refuse({ token: `${line.slice(0, 20)}...`, at: 0 }, `longer than ${String(MAX_HOOK_LENGTH)} characters`, {
        instead: 'several hooks',
      });
    return { hook: { lists: new Parser(line, context).line() } };
  } catch (error) {
    if (error instanceof RefusedError) return { refusal: error.refusal };
    throw error;
  }
}

const MAX_COMMANDS = 64;
const BIN = /^(?:\/usr\/local|\/usr)?\/s?bin\/([^/]+)$|^\/nix\/store\/[a-z0-9]+-[A-Za-z0-9.+_-]+\/bin\/([^/]+)$/;

const SYNTAXES = new Map<string, readonly [Program, Syntax]>(
  PROGRAMS.flatMap((program) => {
    const syntax = new Syntax(program.usage, KINDS);
    return program.names.map((name) => [name, [program, syntax]] as const);
  }),
);
const NAMES = [...SYNTAXES.keys(), 'echo', 'true'].join(', ');

class Parser {
  readonly #context: HookContext;
  readonly #lexer: Lexer;
  readonly #length: number;
  #token: Token | null = null;
  #commands = 0;
  /** The first word that sets a variable. */
  #assigned: Word | null = null;

  constructor(line: string, context: HookContext) {
    this.#context = context;
    this.#lexer = new Lexer(line);
    this.#length = line.length;
  }

  line(): readonly CommandList[] {
    this.#advance();
    const lists: CommandList[] = [];
    for (let isMore = this.#token !== null; isMore; isMore = this.#separator())
      if (!this.#assign()) lists.push(...this.#list());
    if (lists.length === 0) refuse(this.#end(), 'there is no command', { allowed: NAMES });
    // Such a line stays as it was written, and bash would keep the variable: PATH, for one.
    if (this.#assigned !== null && lists.flat().some(({ command }) => command.isOfHost))
      refuse(this.#assigned, 'no variable is set beside a program of the host', { allowed: 'its words as they are' });
    return forgiven(lists);
  }

  #advance(): void {
    this.#token = this.#lexer.next();
  }

  #end(): { token: string; at: number } {
    return { token: '', at: this.#length };
  }

  /** Goes over a `;`; whether anything follows. */
  #separator(): boolean {
    const token = this.#token;
    if (token === null) return false;
    if (!isSign(token) || token.sign !== ';')
      refuse(token, 'does not belong here', { allowed: '`;`, `&&` or `||` between commands' });
    this.#advance();
    return this.#token !== null;
  }

  /** `NAME=VALUE` alone: the name stands for it in the rest of the line. */
  #assign(): boolean {
    const token = this.#token;
    if (token === null || isSign(token)) return false;
    if (token.assigns === undefined) return false;
    const { name, value } = token.assigns;
    if (value.runTime === null && !/^[A-Za-z0-9_.:/,@%+-]+$/.test(value.text))
      refuse(token, 'the value must be one literal word', { allowed: 'a word as 10.0.0.0/8' });
    this.#advance();
    const after = this.#token;
    if (after !== null && (!isSign(after) || after.sign !== ';'))
      refuse(after, 'a variable is set by a command of its own', { allowed: '`;`' });
    this.#lexer.define(name, value);
    this.#assigned ??= token;
    return true;
  }

  /** Commands up to the next `;`. */
  #list(): CommandList[] {
    const body = this.#shellBody();
    if (body !== null) return body;
    const links: Link[] = [{ on: 'always', command: this.#command() }];
    for (;;) {
      const token = this.#token;
      if (token === null || !isSign(token) || token.sign === ';') break;
      if (token.sign !== '&&' && token.sign !== '||')
        refuse(
          token,
          token.sign === '|' ? 'no command reads the output of another one' : 'nothing is written into files',
          {
            allowed: '`;`, `&&`, `||`, `2>/dev/null`',
            ...(token.sign === '|' ? {} : insteadOfFile(links.at(-1)?.command)),
          },
        );
      this.#advance();
      links.push({ on: token.sign === '&&' ? 'success' : 'failure', command: this.#command() });
    }
    return [links];
  }

  /** The lists of `sh -c 'BODY'`, where that is all; null = it is something else. */
  #shellBody(): CommandList[] | null {
    const token = this.#token;
    if (token === null || isSign(token) || !/^(?:(?:\/usr)?\/bin\/)?(?:ba)?sh$/.test(token.text)) return null;
    this.#advance();
    const option = this.#token;
    if (option === null || isSign(option) || option.text !== '-c')
      refuse(option ?? this.#end(), 'a shell runs what is in a file', {
        allowed: "-c 'COMMANDS'",
        instead: 'allowCommands in /etc/wgnode/agent.yaml with the path of the script',
      });
    this.#advance();
    const body = this.#token;
    if (body === null || isSign(body))
      return refuse(body ?? this.#end(), 'the commands must be one word in quotes', { allowed: "'COMMANDS'" });
    this.#advance();
    const parsed = parseOnce(body.text, this.#context);
    if ('refusal' in parsed) throw new RefusedError({ ...parsed.refusal, at: body.at + 1 + parsed.refusal.at });
    const rest = this.#token;
    if (rest !== null && !(isSign(rest) && rest.sign === ';')) return this.#forgivenBody(parsed.hook.lists, rest);
    // A shell of its own goes on after a failure; only its last command counts.
    return [...parsed.hook.lists.slice(0, -1).map(mayFail), ...parsed.hook.lists.slice(-1)];
  }

  #forgivenBody(lists: readonly CommandList[], rest: Token): CommandList[] {
    if (isSign(rest) && rest.sign === '||') {
      this.#advance();
      if (this.#command().program === 'true') return lists.map(mayFail);
    }
    return refuse(rest, 'after a shell of its own only `|| true` may stand', { allowed: '`;` or `|| true`' });
  }

  #command(): HookCommand {
    this.#commands += 1;
    const words = this.#words();
    const [first] = words;
    if (first === undefined) return refuse(this.#token ?? this.#end(), 'there is no command', { allowed: NAMES });
    if (this.#commands > MAX_COMMANDS)
      refuse(first, `more than ${String(MAX_COMMANDS)} commands in one line`, { instead: 'several hooks' });
    const isSudo = first.text === 'sudo' && words.length > 1;
    const [program = first, ...args] = isSudo ? words.slice(1) : words;
    if (program.runTime !== null || !program.isBare)
      refuse(program, 'the name of a program must be written plainly', { allowed: NAMES });
    if (program.text === 'echo') return this.#echo(args, program);
    const quiet = this.#quiet();
    return { ...judged(program, args, this.#context), quiet, input: null };
  }

  /** The words of a command, as far as they go. */
  #words(): Word[] {
    const words: Word[] = [];
    while (this.#token !== null && !isSign(this.#token)) {
      const { assigns } = this.#token;
      if (assigns !== undefined && assigns.value.runTime !== null)
        refuse(this.#token, 'what is found at run time must be a word of its own', { allowed: 'literal text' });
      words.push(this.#token);
      this.#advance();
    }
    const depth = (sign: string): number => words.filter(({ text }) => text.includes(sign)).length;
    if (this.#token !== null && isSign(this.#token) && words[0]?.text === 'nft' && depth('{') > depth('}'))
      refuse(this.#token, 'ends the command within braces', { allowed: '`\\;`, or the braces in quotes' });
    return words;
  }

  #quiet(): Quiet {
    const token = this.#token;
    if (token === null || !isSign(token) || !token.sign.endsWith('null')) return '';
    this.#advance();
    return token.sign as Quiet;
  }

  /** Text for nobody, a sysctl, or what resolvconf shall read. */
  #echo(args: readonly Word[], echo: Word): HookCommand {
    const token = this.#token;
    const text = args
      .map((word) => (word.runTime === null ? word.text : refuse(word, 'text must be literal', { allowed: 'text' })))
      .join(' ');
    if (token !== null && isSign(token) && token.sign === '>') return this.#sysctl(text, token);
    if (token !== null && isSign(token) && token.sign === '|') return this.#record(text, token);
    const quiet = this.#quiet();
    if (text.startsWith('-')) refuse(echo, 'takes text alone', { allowed: 'text' });
    return { program: 'echo', isOfHost: false, args, quiet, input: null, isIdle: true };
  }

  #sysctl(value: string, sign: Sign): HookCommand {
    this.#advance();
    const [file, ...more] = this.#words();
    const path = file?.runTime === null ? /^\/proc\/sys\/([^.].*)$/.exec(file.text)?.[1] : undefined;
    const key = path?.replaceAll('/', '.');
    if (
      file === undefined ||
      key === undefined ||
      path?.includes('..') === true ||
      !isSysctlKey(key) ||
      more.length > 0
    )
      return refuse(file ?? sign, 'nothing is written into files', {
        allowed: '/proc/sys/net/ipv4/ip_forward and the other keys that sysctl takes',
        ...insteadOfFile({ args: [newWord(file?.text ?? '', 0)] }),
      });
    const words = [newWord('-q', sign.at), newWord('-w', sign.at), newWord(`${key}=${value.trim()}`, file.at)];
    return { ...judged(newWord('sysctl', sign.at), words, this.#context), quiet: this.#quiet(), input: null };
  }

  #record(text: string, sign: Sign): HookCommand {
    this.#advance();
    const [program, ...args] = this.#words();
    if (program?.text !== 'resolvconf')
      return refuse(program ?? sign, 'no command reads the output of another one', { allowed: 'resolvconf -a %i' });
    for (const line of text.split('\\n'))
      if (!/^(?:nameserver|search|domain) [0-9A-Za-z_.: -]{1,200}$/.test(line.trim()))
        refuse({ token: line, at: sign.at }, 'is no line for resolvconf', {
          allowed: 'nameserver 10.0.0.1',
          instead: 'the field dns',
        });
    return { ...judged(program, args, this.#context), quiet: this.#quiet(), input: text };
  }
}

const insteadOfFile = (
  command: { readonly args: readonly Word[] } | undefined,
): { instead: string } | Record<string, never> =>
  command?.args.some(({ text }) => text.includes('resolv.conf')) === true
    ? { instead: 'the field dns, or resolvectl dns %i 10.0.0.1' }
    : {};

/** A command whose words fit the usage of its program, with what is canonical added. */
function judged(program: Word, args: readonly Word[], context: HookContext): Omit<HookCommand, 'quiet' | 'input'> {
  const name = program.text.includes('/')
    ? (BIN.exec(program.text)?.slice(1).find(Boolean) ?? program.text)
    : program.text;
  if (name === 'true' || name === ':') {
    const [extra] = args;
    if (extra !== undefined) refuse(extra, 'true takes no words', { allowed: '`;`' });
    return { program: 'true', isOfHost: false, args: [], isIdle: true };
  }
  const allowed = allowedPath(program.text, args, context.allowed);
  if (allowed !== undefined) return { program: allowed, isOfHost: true, args, isIdle: false };
  const known = SYNTAXES.get(name);
  if (known === undefined)
    return refuse(program, 'is no program that hooks may run', { allowed: NAMES, instead: insteadOfProgram(name) });
  const [rules, syntax] = known;
  const match = syntax.match(rules.wordsOf?.(args) ?? args);
  if ('mismatch' in match) return mismatched(match.mismatch, { program, args });
  for (const { kind, word } of match.values)
    if (!isOwn(kind, word, context.device))
      refuse(word, 'is not the interface itself', { allowed: `%i or ${context.device ?? ''}` });
  const named = (word: Word): Word => ({ ...word, text: word.text.replaceAll('%i', context.device ?? '%i') });
  const values = match.values.map(({ kind, word }) => ({ kind, word: named(word) }));
  rules.check?.({ program, args: args.map(named), values, context });
  return { program: name, isOfHost: false, args: rules.canonical?.(args) ?? args, isIdle: false };
}

/** Whether a word that must name the interface does, and a record of resolvconf is one of its own. */
function isOwn(kind: string, { text, runTime }: Word, device: string | null): boolean {
  if (runTime?.kind === 'fwmark') return device === null || runTime.device === '%i' || runTime.device === device;
  if (kind !== 'own' && kind !== 'record') return true;
  const name = kind === 'record' ? text.replace(/^tun\./, '') : text;
  return device === null || name === '%i' || name === device;
}

function mismatched(
  { word, expected }: { readonly word: Word | undefined; readonly expected: readonly string[] },
  { program, args }: { readonly program: Word; readonly args: readonly Word[] },
): never {
  const last = args.at(-1) ?? program;
  const place = word ?? { token: '', at: last.at + last.token.length };
  const what =
    word === undefined ? `${program.text} needs more words` : `is nothing that ${program.text} takes here in a hook`;
  const shown = expected.slice(0, MAX_EXPECTED);
  const allowed = shown.join(', ') + (expected.length > shown.length ? ', ...' : '');
  const instead = word === undefined ? undefined : insteadOfWord(word.text);
  return refuse(place, what, { ...(allowed === '' ? {} : { allowed }), ...(instead === undefined ? {} : { instead }) });
}

const MAX_EXPECTED = 24;

/** The path of a program that the host allows with these words. */
function allowedPath(program: string, args: readonly Word[], allowed: readonly AllowedCommand[]): string | undefined {
  const fits = ({ path, args: patterns }: AllowedCommand): boolean =>
    (path === program || (!program.includes('/') && path.endsWith(`/${program}`))) &&
    patterns.length === args.length &&
    patterns.every((pattern, at) => args[at]?.runTime === null && pattern.test(args[at].text));
  return allowed.find(fits)?.path;
}

const TRUE: HookCommand = { program: 'true', isOfHost: false, args: [], quiet: '', input: null, isIdle: true };
const isTrue = (list: CommandList | undefined): boolean => list?.length === 1 && list[0]?.command.program === 'true';

/** `LIST || true` */
function mayFail(list: CommandList): CommandList {
  const last = list.at(-1);
  return last?.command.program === 'true' ? list : [...list, { on: 'failure', command: TRUE }];
}

/** `CMD; true` is meant as `CMD || true`, which bash would do only without `set -e`. */
function forgiven(lists: readonly CommandList[]): readonly CommandList[] {
  const end = lists.findLastIndex((list) => !isTrue(list)) + 1;
  return end > 0 && end < lists.length ? lists.slice(0, end).map(mayFail) : lists;
}

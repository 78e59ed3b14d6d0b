import { refuse } from './refusal.ts';

/** What is only known when the hook runs: the mark of the interface, or the gateway of the default route. */
export type RunTime =
  | { readonly kind: 'fwmark'; readonly device: string }
  | { readonly kind: 'gateway'; readonly device: string | null }
  | { readonly kind: 'file'; readonly path: string };

/** One word of a command, as the program gets it. */
export interface Word {
  /** Its value, `%i` not replaced; of what is found at run time the canonical spelling. */
  readonly text: string;
  readonly runTime: RunTime | null;
  /** As it was written, and where. */
  readonly token: string;
  readonly at: number;
  /** Whether no part of it was quoted. */
  readonly isBare: boolean;
  /** What it is at the beginning of a command: `NAME=VALUE`. */
  readonly assigns?: { readonly name: string; readonly value: Word };
}

/** What stands between words. */
export interface Sign {
  readonly sign: ';' | '&&' | '||' | '|' | '>' | '2>/dev/null' | '>/dev/null' | '&>/dev/null';
  readonly token: string;
  readonly at: number;
}

export type Token = Word | Sign;

export const isSign = (token: Token | undefined): token is Sign => token !== undefined && 'sign' in token;

/** What a word is made of; a variable stands for what the line has set it to. */
type Part = { readonly literal: string } | { readonly variable: string } | { readonly runTime: RunTime };

const BARE = /[A-Za-z0-9_.:/,@%+=!{}^-]/;
const SPACE = /[ \t]/;
const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=/;
const EMPTY: Word = { text: '', runTime: null, token: '', at: 0, isBare: true };
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const PRINTABLE = /[ -~\t]/;
const PRINTABLE_TEXT = 'letters, digits and signs of ASCII but for `#`';
const SHELL = 'hooks: shell in /etc/wgnode/agent.yaml takes any bash line';

/** Longer ones no sane wg-quick file has; the schema of the resource says the same. */
export const MAX_HOOK_LENGTH = 4096;

/** The signs of a line, longest first. Redirections to nowhere are one sign each. */
const SIGNS: readonly (readonly [RegExp, Sign['sign']])[] = [
  [/^>[ \t]*\/dev\/null[ \t]+2>&1(?![^ \t;|&])/, '&>/dev/null'],
  [/^2>[ \t]*\/dev\/null[ \t]+>[ \t]*\/dev\/null(?![^ \t;|&])/, '&>/dev/null'],
  [/^>[ \t]*\/dev\/null[ \t]+2>[ \t]*\/dev\/null(?![^ \t;|&])/, '&>/dev/null'],
  [/^&>[ \t]*\/dev\/null(?![^ \t;|&])/, '&>/dev/null'],
  [/^2>[ \t]*\/dev\/null(?![^ \t;|&])/, '2>/dev/null'],
  [/^1?>[ \t]*\/dev\/null(?![^ \t;|&])/, '>/dev/null'],
  [/^&&/, '&&'],
  [/^\|\|/, '||'],
  [/^\|/, '|'],
  [/^>(?![>&|(])/, '>'],
  [/^;(?!;)/, ';'],
];

/** The common spellings of "the gateway of the default route". */
const GATEWAYS: readonly RegExp[] = [
  /^ip (?:-4 )?(?:r|ro|route)(?: show| list| ls)? \| grep (?:-m ?1 )?['"]?\^?default['"]? \| (?:awk ['"]?\{ ?print \\?\$3;? ?(?:exit ?)?\}['"]?|cut -d ?['"] ['"] -f ?3)(?: \| head -(?:n ?)?1)?$/,
  /^ip (?:-4 )?(?:r|ro|route) (?:show |list )?default \| (?:awk '(?:\/default\/ ?)?\{ ?print \$3;? ?(?:exit ?)?\}'|cut -d ?['"] ['"] -f ?3)(?: \| head -(?:n ?)?1)?$/,
  /^ip (?:-4 )?(?:r|ro|route)(?: show| list)? \| awk '\/\^?default\/ ?\{ ?print \$3;? ?(?:exit ?)?\}'(?: \| head -(?:n ?)?1)?$/,
];
const THROUGH =
  /(?<=^ip (?:-4 )?(?:r|ro|route)(?: show| list)?(?: default)?) dev ([A-Za-z0-9_%][A-Za-z0-9_.%=@-]{0,14})(?= )/;
const gateway = (device: string | null): string =>
  `$(ip -4 route show default${device === null ? '' : ` dev ${device}`} | awk '{print $3; exit}')`;
const FWMARK = /^wg show (?!(?:all|interfaces) )([A-Za-z0-9%][A-Za-z0-9_.%-]{0,14}) fwmark$/;
const CAT = /^cat (\/[A-Za-z0-9_.%\/-]+)$/;

/** Reads one line; throws RefusedError. */
export class Lexer {
  readonly #line: string;
  readonly #variables = new Map<string, Word>();
  #at = 0;

  constructor(line: string) {
    this.#line = line;
  }

  /** What a later `$NAME` stands for. */
  define(name: string, value: Word): void {
    this.#variables.set(name, value);
  }

  /** Null = the line has ended. */
  next(): Token | null {
    while (SPACE.test(this.#line[this.#at] ?? '')) this.#at += 1;
    if (this.#at >= this.#line.length) return null;
    return this.#sign() ?? this.#word();
  }

  #sign(): Sign | null {
    const rest = this.#line.slice(this.#at);
    for (const [pattern, sign] of SIGNS) {
      const token = pattern.exec(rest)?.[0];
      if (token === undefined) continue;
      const at = this.#at;
      this.#at += token.length;
      return { sign, token, at };
    }
    return null;
  }

  #word(): Word {
    const at = this.#at;
    const name = ASSIGNMENT.exec(this.#line.slice(at))?.[1];
    if (name === undefined) return this.#plainWord();
    this.#at += name.length + 1;
    const after = this.#line[this.#at] ?? '';
    const value = after === '' || /[ \t;&|]/.test(after) ? EMPTY : this.#plainWord();
    const token = this.#line.slice(at, this.#at);
    const isBare = value.isBare;
    return { text: `${name}=${value.text}`, runTime: null, token, at, isBare, assigns: { name, value } };
  }

  #plainWord(): Word {
    const at = this.#at;
    const parts: Part[] = [];
    let isBare = true;
    for (;;) {
      const part = this.#part();
      if (part === null) break;
      isBare &&= !part.quoted;
      parts.push(part.part);
    }
    const token = this.#line.slice(at, this.#at);
    if (parts.length === 0) this.#refuseSign(at);
    if (isBare && /[{}]/.test(token) && /,|\.\./.test(token))
      refuse({ token, at }, 'bash would expand the braces', { allowed: 'the same in quotes' });
    return this.#joined(parts, { token, at, isBare });
  }

  #joined(parts: readonly Part[], place: Pick<Word, 'token' | 'at' | 'isBare'>): Word {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && 'runTime' in only)
      return { ...place, text: spellingOf(only.runTime), runTime: only.runTime };
    const values = parts.map((part): Word | string => {
      if ('literal' in part) return part.literal;
      if ('variable' in part) return this.#valueOf(part.variable, place);
      return refuse(place, 'what is found at run time must be a word of its own', {
        allowed: 'a space before and after it',
      });
    });
    const [first] = values;
    if (values.length === 1 && typeof first === 'object') return { ...first, ...place };
    const texts = values.map((value) => {
      if (typeof value === 'string') return value;
      return value.runTime === null
        ? value.text
        : refuse(place, 'what is found at run time must be a word of its own', {
            allowed: 'a space before and after it',
          });
    });
    return { ...place, text: texts.join(''), runTime: null };
  }

  #valueOf(name: string, place: Pick<Word, 'token' | 'at'>): Word {
    const value = this.#variables.get(name);
    if (value !== undefined) return value;
    const allowed = 'a name that this very line has set before, as NAME=10.0.0.0/8; each hook is a line of its own';
    return refuse(place, `nothing has set the variable ${name}`, { allowed });
  }

  /** One piece of a word: quoted, bare, or found later; null = the word has ended. */
  #part(): { readonly part: Part; readonly quoted: boolean } | null {
    const start = this.#at;
    const char = this.#line[start] ?? '';
    if (char === "'" || char === '"') return { part: { literal: this.#quoted(char) }, quoted: true };
    if (char === '\\') return { part: { literal: this.#escaped() }, quoted: true };
    if (char === '$') return { part: this.#dollar(), quoted: true };
    if (this.#line.startsWith('<(', start)) return { part: this.#fileOf(), quoted: true };
    let end = start;
    while (BARE.test(this.#line[end] ?? '')) end += 1;
    // `~.` is no home folder of anybody, and what people write for "all domains".
    if (end === start && /^~\.(?![^ \t;&|])/.test(this.#line.slice(start))) end += 2;
    if (end === start) return null;
    this.#at = end;
    return { part: { literal: this.#line.slice(start, end) }, quoted: false };
  }

  #quoted(quote: "'" | '"'): string {
    const start = this.#at;
    let text = '';
    for (let at = start + 1; at < this.#line.length; at += 1) {
      const char = this.#line[at] ?? '';
      if (char === quote) {
        this.#at = at + 1;
        return text;
      }
      const place = { token: char, at };
      if (char === '$' || char === '`')
        refuse(place, 'text in quotes must be literal', { allowed: 'any other printable ASCII character' });
      if (!PRINTABLE.test(char)) refuse(place, 'must be a printable ASCII character', { allowed: PRINTABLE_TEXT });
      if (char === '#')
        refuse(place, 'older versions of wg-quick end the line at it, in quotes too', { allowed: PRINTABLE_TEXT });
      if (quote === '"' && char === '\\') {
        const next = this.#line[at + 1] ?? '';
        if (next !== '"' && next !== '\\')
          refuse(place, 'in double quotes it may stand before `"` and `\\` only', { allowed: 'single quotes' });
        text += next;
        at += 1;
      } else text += char;
    }
    return refuse({ token: quote, at: start }, 'the quotes are never closed', {
      allowed: 'the same sign at the end of the text',
    });
  }

  #escaped(): string {
    const next = this.#line[this.#at + 1] ?? '';
    if (next !== ';')
      refuse({ token: `\\${next}`, at: this.#at }, 'a backslash may stand before `;` only', { allowed: 'quotes' });
    this.#at += 2;
    return next;
  }

  #dollar(): Part {
    const start = this.#at;
    const rest = this.#line.slice(start);
    if (rest.startsWith('$(')) return { runTime: this.#substitution() };
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}/.exec(rest)?.[1] ?? NAME.exec(rest.slice(1))?.[0];
    if (name === undefined)
      refuse({ token: rest.slice(0, 2), at: start }, 'this expansion is not taken', { instead: SHELL });
    this.#at += rest.startsWith('${') ? name.length + 3 : name.length + 1;
    return { variable: name };
  }

  #substitution(): RunTime {
    const at = this.#at;
    const inner = this.#parenthesised(at + 1);
    const token = this.#line.slice(at, this.#at);
    const command = inner.trim().replace(/[ \t]+/g, ' ');
    const device = FWMARK.exec(command)?.[1];
    if (device !== undefined) return { kind: 'fwmark', device };
    const through = THROUGH.exec(command)?.[1] ?? null;
    if (GATEWAYS.some((pattern) => pattern.test(command.replace(THROUGH, ''))))
      return { kind: 'gateway', device: through };
    const allowed = `$(wg show %i fwmark), and the gateway of the default route as ${gateway(null)}`;
    return refuse({ token, at }, 'the output of this program would become a part of the line', { allowed });
  }

  #fileOf(): Part {
    const at = this.#at;
    const path = CAT.exec(this.#parenthesised(at + 1).trim())?.[1];
    if (path === undefined)
      refuse({ token: this.#line.slice(at, this.#at), at }, 'the output of this program would be read as a file', {
        allowed: '<(cat FILE), or the path of the file',
      });
    return { runTime: { kind: 'file', path } };
  }

  /** The text between parentheses of which the first is at `open`. */
  #parenthesised(open: number): string {
    let quote = '';
    for (let at = open + 1; at < this.#line.length; at += 1) {
      const char = this.#line[at] ?? '';
      if (quote !== '') quote = char === quote ? '' : quote;
      else if (char === "'" || char === '"') quote = char;
      else if (char === ')') {
        this.#at = at + 1;
        return this.#line.slice(open + 1, at);
      }
    }
    return refuse({ token: this.#line.slice(open - 1, open + 1), at: open - 1 }, 'the parenthesis is never closed', {
      allowed: '`)`',
    });
  }

  #refuseSign(at: number): never {
    const char = this.#line[at] ?? '';
    const token = /^(?:>>|<<<?|&|[<>`#*?[\]~()]|.)/su.exec(this.#line.slice(at))?.[0] ?? char;
    if (!PRINTABLE.test(char))
      refuse({ token: JSON.stringify(char), at }, 'must be a printable ASCII character', { allowed: PRINTABLE_TEXT });
    refuse({ token, at }, REASONS[token] ?? 'this sign means something to a shell', {
      allowed: 'commands joined by `;`, `&&` and `||`, literal words, quotes',
      instead: SHELL,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  '&': 'nothing runs in the background',
  '>>': 'nothing is written into files',
  '<': 'nothing is read from files',
  '`': 'no command runs inside of another one',
  '#': 'a hook has no comments: older versions of wg-quick end the line at it',
  '*': 'bash would replace it by the names of files',
  '?': 'bash would replace it by the names of files',
  '[': 'bash would replace it by the names of files',
  '~': 'bash would replace it by a home folder; all domains are `~.`',
  '(': 'no subshell',
};

/** What is found at run time, as a plain bash finds it. */
function spellingOf(value: RunTime): string {
  if (value.kind === 'gateway') return gateway(value.device);
  return value.kind === 'file' ? value.path : `$(wg show ${value.device} fwmark)`;
}

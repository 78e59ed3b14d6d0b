import type { Word } from './words.ts';

/** Whether a word is a value of some kind, and what that kind is in words. */
export interface ValueKind {
  readonly what: string;
  readonly accepts: (word: Word) => boolean;
}

/** A value that was matched, with the name of its kind. */
export interface Value {
  readonly kind: string;
  readonly word: Word;
}

/** What does not fit: the first word that nothing takes, and all that would have been taken there. */
export interface Mismatch {
  /** Undefined = the command ends too early. */
  readonly word: Word | undefined;
  readonly expected: readonly string[];
}

export type Match = { readonly values: readonly Value[] } | { readonly mismatch: Mismatch };

/**
 * The usage of a program, in the notation of its manual: words as they are, `<kind>` for a value, `[ x ]` for what may be left out,
 * `( x | y )` for a choice, `x *` for any number of times, `@name` for a part that is defined beside it. The first choice that fits is
 * taken. Nothing is abbreviated, joined or guessed: what is not written here is refused.
 */
export class Syntax {
  readonly #rules: ReadonlyMap<string, Node>;
  readonly #kinds: Readonly<Record<string, ValueKind>>;

  constructor(rules: Readonly<Record<string, string>>, kinds: Readonly<Record<string, ValueKind>>) {
    this.#rules = new Map(Object.entries(rules).map(([name, usage]) => [name, parseUsage(usage)]));
    this.#kinds = kinds;
  }

  /** Matches all of the words against the rule `usage`. */
  match(words: readonly Word[]): Match {
    const run: Run = { words, values: [], furthest: 0, expected: new Set() };
    const end = this.#step(this.#rule('usage'), 0, run);
    if (end === words.length) return { values: run.values };
    if (end !== null && end > run.furthest) run.expected.clear();
    const at = Math.max(run.furthest, end ?? 0);
    return { mismatch: { word: words[at], expected: [...run.expected] } };
  }

  #rule(name: string): Node {
    const rule = this.#rules.get(name);
    if (rule === undefined) throw new TypeError(`The usage names @${name}, which is not defined`);
    return rule;
  }

  /** Where the match ends; null = it does not fit. */
  #step(node: Node, at: number, run: Run): number | null {
    switch (node.kind) {
      case 'word':
        return run.words[at]?.text === node.text && run.words[at].runTime === null
          ? at + 1
          : missed(run, at, node.text);
      case 'value':
        return this.#value(node.name, at, run);
      case 'rule':
        return this.#step(this.#rule(node.name), at, run);
      case 'optional':
        return this.#step(node.of, at, run) ?? at;
      case 'many':
        return this.#many(node.of, at, run);
      case 'sequence':
        return this.#sequence(node.of, at, run);
      case 'choice':
        return this.#choice(node.of, at, run);
    }
  }

  #value(name: string, at: number, run: Run): number | null {
    const kind = this.#kinds[name];
    if (kind === undefined) throw new TypeError(`The usage names <${name}>, which is no kind of value`);
    const word = run.words[at];
    if (word === undefined || !kind.accepts(word)) return missed(run, at, kind.what);
    run.values.push({ kind: name, word });
    return at + 1;
  }

  #many(node: Node, start: number, run: Run): number {
    for (let at = start; ;) {
      const end = this.#step(node, at, run);
      if (end === null || end === at) return at;
      at = end;
    }
  }

  #sequence(nodes: readonly Node[], start: number, run: Run): number | null {
    const known = run.values.length;
    let at = start;
    for (const node of nodes) {
      const end = this.#step(node, at, run);
      if (end === null) {
        run.values.length = known;
        return null;
      }
      at = end;
    }
    return at;
  }

  #choice(nodes: readonly Node[], at: number, run: Run): number | null {
    for (const node of nodes) {
      const end = this.#step(node, at, run);
      if (end !== null) return end;
    }
    return null;
  }
}

interface Run {
  readonly words: readonly Word[];
  readonly values: Value[];
  furthest: number;
  readonly expected: Set<string>;
}

function missed(run: Run, at: number, what: string): null {
  if (at > run.furthest) {
    run.furthest = at;
    run.expected.clear();
  }
  if (at === run.furthest) run.expected.add(what);
  return null;
}

type Node =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'value' | 'rule'; readonly name: string }
  | { readonly kind: 'optional' | 'many'; readonly of: Node }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] };

/** Parses the notation; signs and words are separated by space. */
function parseUsage(usage: string): Node {
  const tokens = usage.trim().split(/\s+/);
  let at = 0;
  const choice = (): Node => {
    const nodes = [sequence()];
    while (tokens[at] === '|') {
      at += 1;
      nodes.push(sequence());
    }
    const [only] = nodes;
    return nodes.length === 1 && only !== undefined ? only : { kind: 'choice', of: nodes };
  };
  const sequence = (): Node => {
    const nodes: Node[] = [];
    while (at < tokens.length && ![']', ')', '|'].includes(tokens[at] ?? '')) nodes.push(repeated());
    return { kind: 'sequence', of: nodes };
  };
  const repeated = (): Node => {
    const node = single();
    if (tokens[at] !== '*') return node;
    at += 1;
    return { kind: 'many', of: node };
  };
  const single = (): Node => {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '(' || token === '[') {
      const inner = choice();
      at += 1;
      return token === '[' ? { kind: 'optional', of: inner } : inner;
    }
    if (/^<[a-z0-9-]+>$/.test(token)) return { kind: 'value', name: token.slice(1, -1) };
    return token.startsWith('@') ? { kind: 'rule', name: token.slice(1) } : { kind: 'word', text: token };
  };
  return choice();
}

import { redactKeys } from '../../../agent/protocol/redact.ts';

/** Several hooks as one line: what may be joined by `; ` and still does the same, rule by rule. */

/** What a rule would leave behind for the next one, which wg-quick runs in a shell of its own. */
const LEAVES_TRACES =
  /^(?:alias|builtin|cd|command|declare|enable|eval|exec|exit|export|hash|let|local|popd|printf|pushd|read|readonly|return|set|shopt|source|trap|typeset|ulimit|umask|unalias|unset|\.)$/;
const OPENS = new Set(['if', 'for', 'while', 'until', 'case', 'select', '{']);
const CLOSES = new Set(['fi', 'done', 'esac', '}']);

/** Why a rule cannot stand in a line with others; undefined = it can. `isLast`: nothing comes after it. */
export function joinProblem(rule: string, isLast: boolean): string | undefined {
  const scanned = scan(rule);
  if (scanned.quote !== '') return `has a ${scanned.quote} that nothing closes`;
  if (/[;&|\\]$/.test(rule.trim())) return 'must not end in `;`, `&`, `|` or `\\`';
  if (scanned.depth !== 0) return 'must be complete by itself';
  if (/\(\s*\)/.test(rule)) return 'must not define a function';
  if (!isLast && /^\s*!/.test(rule)) return 'must not begin with `!`: in the middle of a line it does not fail';
  const traces = isLast ? undefined : scanned.commands.find((word) => LEAVES_TRACES.test(word) || isAssignment(word));
  return traces === undefined
    ? undefined
    : `must not use \`${redactKeys(traces).slice(0, 32)}\`, which would act on the rules after it`;
}

const isAssignment = (word: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(word);

interface Scanned {
  /** The quote that is open at the end; empty = none. */
  readonly quote: string;
  /** Compound commands and brackets that are open at the end. */
  readonly depth: number;
  /** The first word of each command. */
  readonly commands: readonly string[];
}

function scan(rule: string): Scanned {
  let [quote, word, depth] = ['', '', 0];
  let isFirst = true;
  const hasCase = /\bcase\b/.test(rule);
  const commands: string[] = [];
  const endWord = (): void => {
    if (word === '') return;
    // What stands before a command may send its output elsewhere.
    if (isFirst && /^[0-9]*[<>]/.test(word)) {
      word = '';
      return;
    }
    if (isFirst) commands.push(word);
    if (OPENS.has(word) && isFirst) depth += 1;
    if (CLOSES.has(word) && isFirst) depth -= 1;
    isFirst = isFirst && /^(?:if|while|until|then|do|else|elif|!|\{|time)$/.test(word);
    word = '';
  };
  for (let at = 0; at < rule.length; at += 1) {
    const sign = rule[at] ?? '';
    if (sign === '\\' && quote !== "'") {
      word += rule.slice(at, at + 2);
      at += 1;
      continue;
    }
    if (quote !== '') {
      if (sign === quote) quote = '';
      word += sign;
      continue;
    }
    if (sign === '"' || sign === "'") quote = sign;
    if (/[\s;&|()]/.test(sign)) {
      endWord();
      // The patterns of `case` end with a bracket that nothing opens.
      if (!hasCase && sign === '(') depth += 1;
      if (!hasCase && sign === ')') depth -= 1;
      if (/[;&|(]/.test(sign)) isFirst = true;
    } else word += sign;
  }
  endWord();
  return { quote, depth, commands };
}

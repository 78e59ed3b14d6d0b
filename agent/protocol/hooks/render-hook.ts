import type { Hook, HookCommand, Link } from './hook.ts';
import type { Word } from './words.ts';

const BARE = /^[A-Za-z0-9_.:/,@%+=-]+$/;

/** The hook as one canonical line, which bash and `parseHook` read to the same commands. */
export const renderHook = ({ lists }: Hook): string => lists.map((list) => list.map(renderLink).join(' ')).join('; ');

const SIGNS = { always: '', success: '&& ', failure: '|| ' } as const;
const renderLink = ({ on, command }: Link): string => SIGNS[on] + renderCommand(command);

function renderCommand({ program, args, quiet, input }: HookCommand): string {
  const source = input === null ? [] : ['echo', quoted(input), '|'];
  return [...source, program, ...args.map(renderWord), ...(quiet === '' ? [] : [quiet])].join(' ');
}

const renderWord = ({ text, runTime }: Word): string =>
  runTime === null || runTime.kind === 'file' ? quoted(text) : text;

/** A word for bash; no word has `$`, a backtick or a control character. */
function quoted(text: string): string {
  if (BARE.test(text)) return text;
  if (text === '!') return text;
  return text.includes("'") ? `"${text.replace(/["\\]/g, '\\$&')}"` : `'${text}'`;
}

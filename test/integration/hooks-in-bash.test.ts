import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Hook, HookCommand } from '../../agent/protocol/hooks/hook.ts';
import { parseHook } from '../../agent/protocol/hooks/parse-hook.ts';
import { PROGRAMS } from '../../agent/protocol/hooks/programs/index.ts';
import { renderHook } from '../../agent/protocol/hooks/render-hook.ts';
import { runLists } from '../../agent/protocol/hooks/run-hook.ts';
import { HOSTILE } from '../fixtures/hooks/hostile.ts';

const LINES = process.env['WGNODE_TEST_SIZE'] === 'full' ? 100_000 : 3_000;
/** Lines that one bash reads. */
const BATCH = 500;

const CORPUS = readFileSync(new URL('../fixtures/hooks/wg-hooks.tsv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((row) => row.split('\t')[2] ?? '');

const MARK = '51820';
const GATEWAY = '192.0.2.1';
const NAMES = PROGRAMS.flatMap(({ names }) => names).filter((name) => name !== 'ip' && name !== 'wg');
const PATHS = ['/usr/sbin/', '/sbin/', '/usr/bin/'];

/** Programs that print their words, on a descriptor that no hook redirects; `status` = how all of them end. */
const PROGRAM_STUBS = (status: number): string => `
say() { printf '%q ' "$@" >&9; printf '\\n' >&9; return ${String(status)}; }
${NAMES.flatMap((name) => [name, ...PATHS.map((path) => path + name)])
  .map(
    (name) =>
      `${name}() { ${name.endsWith('resolvconf') ? 'while read -r _; do :; done; ' : ''}say ${name.slice(name.lastIndexOf('/') + 1)} "$@"; }`,
  )
  .join('\n')}
ip() { case "$*" in route|"route show"*|"-4 route show default"*|"r"|"route list"*) echo 'default via ${GATEWAY} dev eth0';; *) say ip "$@";; esac; }
wg() { case "$1" in show) echo ${MARK};; *) say wg "$@";; esac; }
/usr/bin/ip() { ip "$@"; }
/usr/bin/wg() { wg "$@"; }
sudo() { "$@"; }
bash() { ( set +e; eval "$2" ); }
sh() { bash "$@"; }
cat() { printf '%s' "$1"; }
`;

/** What a bash runs of each line, as wg-quick would; one answer a line. */
function inBash(lines: readonly string[], status: number): string[] {
  const script = `${PROGRAM_STUBS(status)}
while IFS= read -r line; do
  ( set -e -o pipefail; eval "$line" ) 9>&3 >/dev/null 2>/dev/null </dev/null
  printf '\\001\\n' >&3
done`;
  const options = {
    input: `${lines.join('\n')}\n`,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'] as ('pipe' | 'ignore')[],
    maxBuffer: 1 << 28,
  };
  const { output, stderr } = spawnSync('/bin/bash', ['-c', script], options);
  const answers = String(output[3]).split('\u0001\n').slice(0, -1);
  expect({ answers: answers.length, stderr: String(stderr) }).toEqual({ answers: lines.length, stderr: '' });
  return answers;
}

const EXPECTED = { gateway: GATEWAY, fwmark: MARK, file: '' };

/** What ours would run, as the stubs print it, words quoted by bash. */
async function byOurs(hook: Hook, isFine: boolean): Promise<readonly string[][]> {
  const ran: string[][] = [];
  await runLists(hook, ({ program, args }: HookCommand) => {
    ran.push([
      program,
      ...args.map(({ text, runTime }) => (runTime === null || runTime.kind === 'file' ? text : EXPECTED[runTime.kind])),
    ]);
    return Promise.resolve(isFine);
  });
  return ran;
}

/** `printf %q` undone, by bash itself: one list of words a line. */
function wordsOf(answers: readonly string[]): string[][][] {
  const script = `while IFS= read -r line; do if [ "$line" = $'\\001' ]; then printf '\\001\\n'; else eval "set -- $line"; printf '%s\\037' "$@"; printf '\\n'; fi; done`;
  const { stdout } = spawnSync('/bin/bash', ['-c', script], {
    input: answers.map((answer) => `${answer}\u0001\n`).join(''),
    maxBuffer: 1 << 28,
  });
  return String(stdout)
    .split('\u0001\n')
    .slice(0, -1)
    .map((answer) =>
      answer
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split('\u001f').slice(0, -1)),
    );
}

/** As it was written, where ours adds `-w` to iptables, and gives nft, which joins its words, some as one. */
function asMeant([program = '', ...args]: readonly string[]): readonly string[] {
  if (program === 'nft') return [program, args.join(' ').replace(/\s+/g, '')];
  const isAdded = /^ip6?tables/.test(program) && args[0] === '-w' && !/^[0-9]+$/.test(args[1] ?? '');
  return [program, ...args.slice(isAdded ? 1 : 0)];
}

const SIGNS = [
  '$',
  '`',
  '\\',
  '"',
  "'",
  ';',
  '&',
  '|',
  '>',
  '<',
  '(',
  ')',
  '{',
  '}',
  '*',
  '?',
  '~',
  '#',
  '!',
  ' ',
  '=',
  '%',
  ',',
  '\t',
  'é',
];
const sign = fc.constantFrom(...SIGNS);
const piece = fc.oneof(sign, fc.constantFrom(...CORPUS.flatMap((text) => text.split(' '))));

/** One word of quoted and bare parts, in a place where any text is taken. */
const quotedWord = fc
  .array(
    fc.tuple(
      fc.constantFrom('', '"', "'"),
      fc.array(fc.oneof(sign, fc.constantFrom('a', '%i', '\\"', '\\\\', '\\a', '\\;')), { maxLength: 4 }),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.map(([quote, texts]) => quote + texts.join('') + quote).join(''));
const lineWithWord = fc
  .tuple(
    fc.constantFrom(
      ['iptables -A INPUT -m comment --comment ', ' -j ACCEPT'],
      ['logger -t a ', ''],
      ['nft add table ip ', ''],
    ),
    quotedWord,
  )
  .map(([[before, after], word]) => `${before}${word}${after}`);

/** Published lines, and hostile ones, with a few words and signs put in, taken out, joined and doubled. */
const editedLine = fc
  .tuple(
    fc.constantFrom(...CORPUS, ...CORPUS, ...HOSTILE.filter((text) => !/[\n\r\0]/.test(text))),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(4), piece, fc.boolean()), { maxLength: 3 }),
    fc.constantFrom('', '', '; ', ' && ', ' || '),
    fc.constantFrom(...CORPUS),
  )
  .map(([base, edits, sign, other]) => {
    const whole = sign === '' ? base : base + sign + other;
    return edits.reduce((text, [place, gone, put, spaced]) => {
      const at = Math.floor(place * text.length);
      return text.slice(0, at) + (spaced ? ` ${put} ` : put) + text.slice(at + gone);
    }, whole);
  });

const line = fc.oneof(editedLine, lineWithWord);

test(
  'H2 what is taken runs the same words in bash, as it was written and as it is rendered, whether commands succeed or fail',
  async () => {
    const seen = new Map<string, Hook>();
    let made = 0;
    const known = [...CORPUS, ...HOSTILE];
    while (made < LINES) {
      const lines = made === 0 ? known : fc.sample(line, { numRuns: BATCH, seed: made });
      made += lines.length;
      seen.clear();
      for (const text of lines) {
        const parsed = parseHook(text, { device: null, allowed: [] });
        if ('hook' in parsed && !/nix\/store|\n/.test(text)) seen.set(text, parsed.hook);
      }
      for (const status of [0, 1]) await compare(seen, status);
    }
  },
  30 * 60_000,
);

async function compare(hooks: ReadonlyMap<string, Hook>, status: number): Promise<void> {
  const written = [...hooks.keys()];
  const rendered = [...hooks.values()].map(renderHook);
  const [asWritten, asRendered] = [written, rendered].map((lines) => wordsOf(inBash(lines, status)));
  for (const [at, text] of written.entries()) {
    const hook = hooks.get(text);
    if (hook === undefined) continue;
    const ours = await byOurs(hook, status === 0);
    expect({ text, status, rendered: asRendered?.[at] }).toEqual({ text, status, rendered: ours });
    // A failure ends bash at `COMMAND; true`, which people mean to be `COMMAND || true`, and names of files are read by `cat`.
    if (status === 1 && /;\s*true\b|;\s*:\s*;?$/.test(text)) continue;
    if (/<\(cat|> *\/proc\/sys/.test(text)) continue;
    expect({ text, status, ran: asWritten?.[at]?.map(asMeant) }).toEqual({
      text,
      status,
      ran: ours.map(asMeant),
    });
  }
}

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { AllowedCommand, HookContext } from '../protocol/hooks/hook.ts';
import { canonicalHook } from '../protocol/hooks/canonical.ts';
import { madeBy } from '../protocol/hooks/made-by.ts';
import { parseHook } from '../protocol/hooks/parse-hook.ts';
import { flowText, intentsOfLine } from '../protocol/firewall/intents-of-line.ts';
import { wrongTeardowns } from '../protocol/hooks/teardown.ts';
import { refusalText } from '../protocol/hooks/refusal.ts';
import { redactKeys } from '../protocol/redact.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { FIELDS, HOOK_NAMES } from '../protocol/wgquick/fields.ts';

interface Line {
  /** `PostUp 1`, or the number of the line where the text is no file of wg-quick. */
  readonly place: string;
  readonly hook: string;
}

/** What `check-hooks` prints, and how it ends: 0 = every hook is taken, 1 = one is not. */
export interface HookReport {
  readonly text: string;
  readonly exitCode: 0 | 1;
}

/** The hooks of a wg-quick file, or, in a text without `[Interface]`, one of each line. */
function hooksIn(text: string): Line[] {
  if (!/^\s*\[\s*interface\s*\]/im.test(text)) {
    const lines = text.split('\n').map((hook, index) => ({ place: `line ${String(index + 1)}`, hook: hook.trim() }));
    return lines.filter(({ hook }) => hook !== '' && !hook.startsWith('#'));
  }
  const config = interfaceOf(parseDocument(text));
  return HOOK_NAMES.flatMap((name) =>
    config[name].map((hook, index) => ({ place: `${FIELDS[name].key} ${String(index + 1)}`, hook })),
  );
}

/** Lines of a teardown that set up what they should take back. */
const wrongLines = (text: string, device: string): string[] =>
  wrongTeardowns(interfaceOf(parseDocument(text)), device).map(
    ({ list, line, meant }) =>
      `wrong    ${`${FIELDS[list].key} ${String(line + 1)}`.padEnd(12)} it sets up anew what it should take back; \`${meant}\` was meant`,
  );

/** The intents that say the same, ready to paste into a resource; their teardown needs no word. */
function intentLines(hooks: readonly Line[], device: string): string[] {
  const own = hooks
    .filter(({ place }) => !/^P(?:re|ost)Down/.test(place))
    .flatMap(({ hook }) => intentsOfLine(hook, device));
  const texts = [...new Map(own.map((intent) => [flowText(intent), intent])).values()];
  if (texts.length === 0) return [];
  const named = texts.map((intent, at) => {
    const count = texts.slice(0, at + 1).filter(({ type }) => type === intent.type).length;
    return `    - ${flowText({ name: `${intent.type.toLowerCase()}-${String(count)}`, ...intent })}`;
  });
  return [
    '',
    '# The same as firewall intents, which need no teardown and are healed by name:',
    'spec:',
    '  interface:',
    '    firewall:',
    ...named.map((line) => `  ${line}`),
  ];
}

/** For each hook the line that the file would get, or why it is not taken. Pure. */
export function reportHooks(text: string, context: HookContext): HookReport {
  const hooks = hooksIn(text);
  const whole = {
    ...context,
    made: madeBy(
      hooks.map(({ hook }) => hook),
      context.device,
    ),
  };
  const rows = hooks.map(({ place, hook }) => {
    const parsed = parseHook(hook, whole);
    if ('hook' in parsed)
      return { isTaken: true, row: `ok       ${place.padEnd(12)} ${canonicalHook(hook, context)?.line ?? hook}` };
    return {
      isTaken: false,
      row: `refused  ${place.padEnd(12)} ${hook}\n${' '.repeat(22)}${refusalText(parsed.refusal)}`,
    };
  });
  const refused = rows.filter(({ isTaken }) => !isTaken).length;
  const sum = `${String(rows.length - refused)} of ${String(rows.length)} hooks are taken`;
  const lines = [
    ...rows.map(({ row }) => row),
    sum,
    ...wrongLines(text, context.device ?? '%i'),
    ...intentLines(hooks, context.device ?? 'wg0'),
  ];
  return { text: redactKeys(`${lines.join('\n')}\n`), exitCode: refused === 0 ? 0 : 1 };
}

/** `path`: a file, or `-` for the standard input. Throws what reading it throws. */
export function checkHooks(path: string, allowed: readonly AllowedCommand[]): HookReport {
  const text = readFileSync(path === '-' ? 0 : path, 'utf8');
  const device = path.endsWith('.conf') ? basename(path, '.conf') : null;
  return reportHooks(text, { device, allowed });
}

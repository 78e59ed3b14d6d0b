import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { AllowedCommand, HookContext } from './protocol/hooks/hook.ts';
import { canonicalHook } from './protocol/hooks/canonical.ts';
import { madeBy } from './protocol/hooks/made-by.ts';
import { parseHook } from './protocol/hooks/parse-hook.ts';
import { refusalText } from './protocol/hooks/refusal.ts';
import { redactKeys } from './protocol/redact.ts';
import { interfaceOf, parseDocument } from './protocol/wgquick/document.ts';
import { FIELDS, HOOK_NAMES } from './protocol/wgquick/fields.ts';

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
  return { text: redactKeys(`${[...rows.map(({ row }) => row), sum].join('\n')}\n`), exitCode: refused === 0 ? 0 : 1 };
}

/** `path`: a file, or `-` for the standard input. Throws what reading it throws. */
export function checkHooks(path: string, allowed: readonly AllowedCommand[]): HookReport {
  const text = readFileSync(path === '-' ? 0 : path, 'utf8');
  const device = path.endsWith('.conf') ? basename(path, '.conf') : null;
  return reportHooks(text, { device, allowed });
}

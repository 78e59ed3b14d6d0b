import { ERROR_STATUS } from '../protocol/errors.ts';
import { AgentError } from '../core/agent-error.ts';
import type { ChangeRecord, CommandRecord } from '../core/audit-record.ts';
import type { PutConfigResponse } from '../protocol/messages.ts';
import { redactKeys } from '../protocol/redact.ts';
import type { ManagedInterface } from './managed-interface.ts';

type Told = Omit<ChangeRecord, 'kind' | 'verb'>;

/** What was changed, told as soon as it is certain: the disk takes it down while the answer is made. */
export type Changed = (what: Pick<PutConfigResponse, 'plan' | 'impact'>) => void;

/**
 * Does something that may change the interface; how it ended is in the audit log, on the disk, before anybody is told. Work that calls
 * `changed` has succeeded by then.
 */
export async function audited<T>(
  target: ManagedInterface,
  verb: string,
  work: (changed: Changed) => Promise<T>,
): Promise<T> {
  const { name, caller, host } = target;
  const started = host.nowMs();
  const note = async ({ hasEffect, ...told }: Told & { readonly hasEffect: boolean }): Promise<void> => {
    const ms = Math.round(host.nowMs() - started);
    host.audit.write({ kind: 'change', verb, ...told, interface: name, caller, ms });
    if (hasEffect) await host.audit.sync();
  };
  let noted: Promise<void> | undefined;
  let result: T;
  try {
    result = await work((what) => {
      noted = note({ ...toldOf({ ...what, changed: true }), hasEffect: true });
    });
  } catch (error) {
    const { code, rolledBack } = error instanceof AgentError ? error : INTERNAL;
    const told = { outcome: code, fields: [], impact: null, rolledBack: rolledBack ?? null };
    // A refusal leaves its line, and no disk is waited for.
    if (code !== 'audit_unavailable') await note({ ...told, hasEffect: ERROR_STATUS[code] >= 500 });
    throw error;
  }
  if (noted !== undefined) {
    await noted;
    return result;
  }
  const told = toldOf(result);
  await note({ ...told, hasEffect: told.outcome === 'changed' });
  return result;
}

const INTERNAL = { code: 'internal', rolledBack: null } as const;

/** What an answer says of what was done; `was_down` is that of enable, `was_up` of disable. */
function toldOf(answer: unknown): Told {
  const {
    plan = [],
    impact = null,
    ...said
  } = answer as Partial<PutConfigResponse & Record<'was_down' | 'was_up', boolean>>;
  const changed = said.changed ?? said.was_down ?? said.was_up ?? true;
  const fields = changed ? [...new Set(plan.map(({ path }) => path))] : [];
  return { outcome: changed ? 'changed' : 'unchanged', fields, impact, rolledBack: null };
}

/** Writes down a command that a hook ran. */
export function auditCommand(
  { name, caller, host }: ManagedInterface,
  { argv, exitCode, ms }: Omit<CommandRecord, 'kind'> & { readonly ms: number },
): void {
  host.audit.write({
    kind: 'command',
    argv: argv.map(redactKeys),
    exitCode,
    interface: name,
    caller,
    ms: Math.round(ms),
  });
}

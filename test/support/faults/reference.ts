import type { Effect } from './fault.ts';
import type { FaultyHost } from './faulty-host.ts';
import { differences, type HostState } from './host-state.ts';
import type { Operation, Target } from './operations.ts';

/** What an operation is like without faults. */
export interface Reference {
  /** Where it begins. */
  readonly before: HostState;
  /** Where it leads. */
  readonly after: HostState;
  /** A file apart, what is there of an interface that is down. */
  readonly down: HostState;
  readonly effects: readonly Effect[];
}

/** Where an operation has come to. */
export type Position = 'before' | 'after';

/** Runs the operation without faults, beginning on a wiped host, and leads back to where it begins. */
export async function refer(host: FaultyHost, operation: Operation): Promise<Reference> {
  const { from, to } = operation;
  const on: Target = { ...from, state: 'up' };
  const off = downOf(from);
  await host.wipe(operation.file);
  await host.reach(off, on);
  const up = from.state === 'up' ? await host.addRuntimePeer() : undefined;
  const down = await host.reach(on, off);
  if (up !== undefined) await host.reach(off, on);
  if (operation.isFirst === true) await host.restartAgent();
  const effects = await host.observe(() => host.request(from, to));
  const after = await host.readState();
  const reference = { before: up ?? down, after, down, effects };
  for (const position of ['after', 'before'] as const) {
    const problems = await leadBack(host, operation, { reference, position });
    if (problems.length > 0)
      throw new Error(`'${operation.name}' does not hold without any fault:\n${problems.join('\n')}`);
  }
  return reference;
}

const downOf = (target: Target): Target => ({ ...target, state: 'down' });

/**
 * Leads to where the operation begins, over each state that it knows and through a down: what a fault left wrong in the ledger would
 * show in one of them. The first thing that is wrong, in words; none = the host is at the beginning.
 */
export async function leadBack(
  host: FaultyHost,
  { from, to }: Operation,
  { reference, position }: { readonly reference: Reference; readonly position: Position },
): Promise<string[]> {
  const { before, after, down } = reference;
  const there = [from, to, after] as const;
  const back = [to, from, before] as const;
  const isLifecycle = from.state !== to.state;
  const [last, state] = position === 'before' ? [to, after] : [from, before];
  const roundTrip = [
    [last, downOf(last), { ...down, file: state.file }] as const,
    [downOf(last), from, before] as const,
  ];
  const legs = isLifecycle
    ? [...(position === 'before' ? [there] : []), back]
    : [position === 'before' ? there : back, ...roundTrip];
  for (const [start, end, expected] of legs) {
    const { status, code, message } = await host.request(start, end);
    const wrong =
      status === 200
        ? differences(expected, await host.readState())
        : [`is answered with ${String(status)} ${code ?? ''}: ${message ?? ''}`];
    if (wrong.length > 0) return [`a later change from ${start.state} to ${end.state}, undisturbed:`, ...wrong];
  }
  return [];
}

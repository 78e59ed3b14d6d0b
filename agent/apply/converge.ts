import { AgentError } from '../core/agent-error.ts';
import type { Device } from '../core/device.ts';
import { type Current, liveSteps, type Step, stepsAbove } from '../core/plan.ts';
import { idOf, unaskedSteps, wasThere } from '../core/unasked.ts';
import type { DesiredInterface } from '../protocol/compare.ts';
import type { Impact } from '../protocol/impact.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { activeConfigOf } from './lifecycle.ts';
import { type ManagedInterface, warn } from './managed-interface.ts';
import { runSteps } from './run-steps.ts';
import { currentOf, readSnapshot, type Snapshot } from './snapshot.ts';

/** Live steps, read-back, what is still missing, again: the kernel drops routes and secondary addresses behind our back. */
const ROUNDS = 4;

/** What a way towards a desired state needs to know beside that state. */
export interface Convergence {
  readonly target: ManagedInterface;
  /** Whose peers and endpoints a restart brings back. */
  readonly carry: Device | null;
  /** What an apply that is being undone may have put on the device. */
  readonly attempted: InterfaceConfig | null;
  /** The interface part that an `up` starts from, with the peers of the file; null = the file as it is. */
  readonly startConfig: string | null;
}

/** Runs live steps until the kernel reads back as it was, whatever they do to traffic: the way back of an undo. What lacked before is not healed. */
export async function converge(convergence: Convergence, desired: DesiredInterface): Promise<void> {
  const now = await readSnapshot(convergence.target);
  const isAsked = wasThere(convergence.carry);
  const steps = liveSteps(withoutLost(currentOf(now, convergence.attempted)), desired).filter(isAsked);
  await carryOut(convergence, desired, { now, steps, limit: 'Restart', isAsked });
}

/** What hooks left and somebody took away is brought back once, if it can be; what then is still gone stays drift and fails nothing. */
const withoutLost = (current: Current): Current => ({ ...current, lost: [] });

interface Round {
  readonly now: Snapshot;
  readonly steps: readonly Step[];
  /** What was approved: a repair may do no more to running traffic than that. */
  readonly limit: Impact;
  /** Whether a step belongs to what shall be reached; what is not asked for is left as it is. */
  readonly isAsked: (step: Step) => boolean;
}

/** How a plan that somebody approved is carried out. */
interface ApprovedRound extends Omit<Round, 'isAsked'> {
  /** The interface part of the file before the request. */
  readonly fileBefore: InterfaceConfig | null;
}

/** Carries out a plan, and then what of it heals what the request leaves as it is: that fails nothing, and who asked is told. */
export async function carryOutPlan(
  convergence: Convergence,
  desired: DesiredInterface,
  { now, steps, limit, fileBefore }: ApprovedRound,
): Promise<Snapshot> {
  const current = currentOf(now);
  // What a hook makes again by itself is no step of ours, but is left where the hook cannot: it is healing all the same.
  const hidden = current.lost.length === 0 ? [] : liveSteps(withoutLost(current), desired);
  const unasked = new Set(unaskedSteps([...steps, ...hidden], fileBefore, desired.config).map(idOf));
  const isAsked = (step: Step): boolean => !unasked.has(idOf(step));
  const after = await carryOut(convergence, desired, { now, steps: steps.filter(isAsked), limit, isAsked });
  return unasked.size === 0 ? after : heal(convergence, desired, { after, unasked });
}

/** After so many that cannot be healed no other is tried: each costs a run of its own. */
const MAX_FAILURES = 8;

async function heal(
  { target, carry }: Convergence,
  desired: DesiredInterface,
  { after, unasked }: { readonly after: Snapshot; readonly unasked: ReadonlySet<string> },
): Promise<Snapshot> {
  let now = after;
  const failed = new Set<string>();
  const stepsLeft = (): Step[] =>
    liveSteps(withoutLost(currentOf(now)), desired).filter(
      (step) => unasked.has(idOf(step)) && !failed.has(idOf(step)),
    );
  for (let steps = stepsLeft(); steps.length > 0 && failed.size < MAX_FAILURES; steps = stepsLeft()) {
    const startConfig = startConfigOf(now, null);
    const error = await runSteps({ target, desired: desired.config, now, carry, startConfig }, steps).then(
      () => null,
      (reason: unknown) => reason,
    );
    now = await readSnapshot(target, { effects: 'now' });
    // Of steps that run in order the first that is left is the one that failed.
    const [first] = stepsLeft();
    if (first === undefined) break;
    failed.add(idOf(first));
    const text = `${idOf(first)} (${first.path}): what is missing on the host cannot be put back`;
    warn(target, text, error);
  }
  const others = failed.size < MAX_FAILURES ? [] : stepsLeft();
  if (others.length > 0) {
    const reason = `${String(MAX_FAILURES)} failed`;
    warn(target, `and ${String(others.length)} more that are missing on the host were not tried`, reason);
  }
  return now;
}

/** Runs the steps, reads back, repairs what is still missing, and so on; the last read-back, which is as wanted. */
async function carryOut(convergence: Convergence, desired: DesiredInterface, first: Round): Promise<Snapshot> {
  const { target, carry, attempted } = convergence;
  let { now, steps } = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    if (steps.length === 0) return now;
    const startConfig = startConfigOf(now, convergence.startConfig);
    const seen = await runSteps({ target, desired: desired.config, now, carry, startConfig }, steps);
    now = await readSnapshot(target, { untouched: seen, effects: 'now' });
    steps = liveSteps(withoutLost(currentOf(now, attempted)), desired).filter(first.isAsked);
    const tooMuch = stepsAbove(steps, first.limit);
    if (tooMuch.length > 0) {
      const text = `what is still missing needs more than the impact ${first.limit} that was approved: ${textOf(tooMuch)}`;
      throw new AgentError('command_failed', text);
    }
  }
  if (steps.length === 0) return now;
  throw new AgentError('command_failed', `the kernel does not keep what was set: ${textOf(steps)}`);
}

const textOf = (steps: readonly Step[]): string => steps.map(({ action, path }) => `${action} (${path})`).join(', ');

/** Peers come and go in the file while an interface runs; those of an old copy must not come back with it. */
function startConfigOf({ fileText, document }: Snapshot, previousText: string | null): string {
  if (previousText === null) return activeConfigOf(fileText ?? '');
  return fileText === null ? previousText : activeConfigOf(render(document, interfaceOf(parseDocument(previousText))));
}

import type { CallOptions, Driver, Failure, Observed } from '../drivers/driver.ts';
import { refusal } from '../policy/refusal.ts';

/** How leaving a host ended. */
export type LeaveEnd =
  | { readonly kind: 'left' }
  /** The interface is another object's by now, or never was this one's: it is not touched. */
  | { readonly kind: 'not-ours' }
  /** A change that was sent there may still come to its end, and nobody sees yet whose the interface is. */
  | { readonly kind: 'unsettled' }
  /** While the host was read it came to be wanted otherwise. */
  | { readonly kind: 'superseded' }
  | Failure;

/** What to do on the host, and in whose name. */
export interface LeaveOptions {
  readonly verb: 'disable' | 'remove';
  readonly uid: string;
  readonly options: CallOptions;
  /** False = it was never proven that the object was applied there: only what the host knows as its own is touched. */
  readonly isProven: boolean;
  /** A change was sent there, and its time is not over. */
  readonly mayArrive: boolean;
  /** Whether that is still wanted, and this controller may change hosts at all: asked right before it does. */
  readonly isCurrent: () => boolean;
  /** Reads the host, unless it is known to be away; a change that hangs says nothing of that. */
  readonly ask: (read: () => Promise<Observed>) => Promise<Observed>;
}

/** Takes an interface down, or away, if the host does not know it as another object's. Fine when nothing is there. */
export async function leaveHost(
  driver: Driver,
  { verb, uid, isProven, mayArrive, options, isCurrent, ask }: LeaveOptions,
): Promise<LeaveEnd> {
  const observed = await ask(() => driver.observe(undefined, options));
  if (observed.kind === 'unreachable' || observed.kind === 'refused') return observed;
  if (observed.kind === 'observed') {
    const { owner } = observed.observation;
    const isKnown = owner !== null && owner !== undefined;
    const isOurs = isKnown ? owner.id === uid : isProven;
    if (!isOurs) return { kind: mayArrive ? 'unsettled' : 'not-ours' };
  }
  if (!isCurrent()) return { kind: 'superseded' };
  const done = await carryOut(driver, verb, options);
  return done.kind === 'done' ? { kind: 'left' } : done;
}

async function carryOut(
  driver: Driver,
  verb: LeaveOptions['verb'],
  options: CallOptions,
): ReturnType<Driver['remove']> {
  if (verb === 'disable') return driver.setState('down', options);
  if (driver.capabilities.has('remove')) return driver.remove(options);
  const message = 'Its agent cannot remove an interface: set deletionPolicy to Disable or Retain';
  return { kind: 'refused', refusal: refusal('Unsupported', message) };
}

/** Something that an operation does to its host, in the words of `injector.ts`. */
export interface Effect {
  readonly what: string;
  /** Which of the effects that are alike, from 1. */
  readonly occurrence: number;
}

/** One thing that goes wrong at one effect. */
export interface Fault extends Effect {
  readonly fault: string;
}

const ERRORS = ['ENOSPC', 'EIO', 'EROFS'];

/** What can go wrong at an effect beside the death of the agent. */
function failuresOf({ what }: Effect): readonly string[] {
  if (/^(run|set) /.test(what)) return ['fails before it acts', 'fails after it acted'];
  return what.startsWith('signal ') ? ['fails before it acts'] : ERRORS;
}

/**
 * Every fault at every effect. Between two effects nothing happens, so a kill before one is a kill after the one before it: only the
 * last one is followed by a kill of its own.
 */
export function everyFault(effects: readonly Effect[]): Fault[] {
  const kills = effects.map((effect) => ({ ...effect, fault: 'agent killed before' }));
  const end = effects.slice(-1).map((effect) => ({ ...effect, fault: 'agent killed after' }));
  const failures = effects.flatMap((effect) => failuresOf(effect).map((fault) => ({ ...effect, fault })));
  return [...kills, ...end, ...failures];
}

/** One of each kind of fault, spread over the effects. */
export function sampleOf(faults: readonly Fault[]): Fault[] {
  const kinds = [...new Set(faults.map(({ fault }) => fault))];
  return kinds.flatMap((kind, index) => {
    const own = faults.filter(({ fault }) => fault === kind);
    return own[Math.floor(((index + 1) * own.length) / (kinds.length + 1))] ?? [];
  });
}

export const describeFault = ({ fault, what, occurrence }: Fault): string =>
  `${fault}: ${what} (number ${String(occurrence)})`;

/** Effects as they came, each with its number among those that are alike. */
export const numbered = (lines: readonly string[]): Effect[] =>
  lines.map((what, index) => ({
    what,
    occurrence: lines.slice(0, index + 1).filter((other) => other === what).length,
  }));

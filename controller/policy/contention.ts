/** When which field was corrected at one generation, Unix ms; kept in memory for each object. */
export interface Correction {
  readonly path: string;
  readonly atMs: number;
}

const LIMIT = 5;
const WINDOW_MS = 10 * 60 * 1000;

const recent = (history: readonly Correction[], nowMs: number): Correction[] =>
  history.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);

/** The history with these corrections added and old ones dropped. */
export const withCorrections = (
  history: readonly Correction[],
  paths: readonly string[],
  nowMs: number,
): Correction[] => [...recent(history, nowMs), ...paths.map((path) => ({ path, atMs: nowMs }))];

/** A field of `paths` that was corrected 5 times in 10 minutes: somebody else writes it too, and one of the two must stop. */
export const contendedPath = (
  history: readonly Correction[],
  paths: readonly string[],
  nowMs: number,
): string | undefined =>
  paths.find((path) => recent(history, nowMs).filter((correction) => correction.path === path).length >= LIMIT);

/** One figure, as it is printed. */
export interface Figure {
  readonly id: string;
  readonly what: string;
  readonly ours: number;
  /** Null = the figure is an absolute one. */
  readonly rival: number | null;
  readonly ratio: number;
  /** The most that the ratio may be; null = for information. */
  readonly goal: number | null;
  readonly unit: string;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** A figure of rounds that were measured in turn: the ratio is the median of the rounds' ratios. */
export function figureOf(
  head: Pick<Figure, 'id' | 'what' | 'goal' | 'unit'>,
  rounds: readonly { readonly ours: number; readonly rival: number }[],
): Figure {
  return {
    ...head,
    ours: median(rounds.map(({ ours }) => ours)),
    rival: median(rounds.map(({ rival }) => rival)),
    ratio: median(rounds.map(({ ours, rival }) => ours / rival)),
  };
}

export const isMiss = ({ ratio, goal }: Figure): boolean => goal !== null && !(ratio <= goal);

const digits = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(3));

/** A row of at most 100 columns. */
export function rowOf(figure: Figure): string {
  const { id, what, ours, rival, ratio, goal, unit } = figure;
  const outcome = goal === null ? '-' : isMiss(figure) ? 'MISS' : 'ok';
  const cells = [digits(ours), rival === null ? '-' : digits(rival), digits(ratio), goal === null ? '-' : String(goal)];
  return [id.padEnd(5), what.padEnd(44), ...cells.map((cell) => cell.padStart(8)), unit.padEnd(5), outcome].join(' ');
}

/** What a change does to running traffic, from least to most: nothing, new handshakes, the tunnel (or its hooks) go down and up. */
export const IMPACTS = ['None', 'Rehandshake', 'Restart'] as const;
export type Impact = (typeof IMPACTS)[number];

/** Whether `impact` does more to running traffic than `limit`. */
export const isAbove = (impact: Impact, limit: Impact): boolean => IMPACTS.indexOf(impact) > IMPACTS.indexOf(limit);

/** The highest of several; None for none. */
export const highestImpact = (impacts: readonly Impact[]): Impact =>
  impacts.reduce<Impact>((highest, impact) => (isAbove(impact, highest) ? impact : highest), 'None');

import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import type { CallOptions } from '../driver.ts';
import type { Action } from './plan-change.ts';
import type { Reading } from './reading.ts';

/** A change that was planned. */
export interface Work {
  readonly before: Reading;
  readonly desired: DesiredInterface;
  readonly actions: readonly Action[];
  readonly canDelete: boolean;
  readonly options: CallOptions;
  /** Reads the host as it is now. */
  readonly read: (options: CallOptions) => Promise<Reading>;
}

import type { CommandRunner } from '../../host/command-runner.ts';
import type { Dialect } from '../../host/dialect.ts';

/** What the files of this folder work with: one device, and the programs of the host. */
export interface Tools {
  readonly runner: CommandRunner;
  /** Of the interface. */
  readonly name: string;
  /** How the installed wg-quick does what versions do differently. */
  readonly dialect: () => Promise<Dialect>;
  /** Waits while a wg-quick of somebody else works on the interface; throws `busy` when it does not end. */
  readonly awaitQuick: () => Promise<boolean>;
}

import type { CommandRunner } from './command-runner.ts';

/** What wg-quick(8) does differently from version to version; the agent does as the one that is installed. */
export interface Dialect {
  /** PreUp runs when the device is there; before 1.0.20250521 it ran first. */
  readonly preUpAfterLink: boolean;
  /** A hook ends at its first `#`, even in quotes; since 1.0.20260223 it is kept. */
  readonly cutsHooks: boolean;
  /** Which path's MTU counts where the file names none; since 1.0.20260223 it is the smallest. */
  readonly mtuOf: 'largest' | 'smallest';
  /** `addconf` leaves what PreUp has set; since 1.0.20260223. */
  readonly load: 'setconf' | 'addconf';
}

/** The dialect of `wg --version`: `wireguard-tools v1.0.20210914 - ...`. A version that cannot be read is as the oldest. */
export function dialectOf(version: string): Dialect {
  const number = Number(/ v1\.0\.([0-9]{8})/.exec(version)?.[1] ?? 0);
  const isNewest = number >= 20_260_223;
  return {
    preUpAfterLink: number >= 20_250_521,
    cutsHooks: !isNewest,
    mtuOf: isNewest ? 'smallest' : 'largest',
    load: isNewest ? 'addconf' : 'setconf',
  };
}

/** Asks once for the life of the agent. */
export function createDialect(runner: CommandRunner): () => Promise<Dialect> {
  let known: Promise<Dialect> | undefined;
  return () => {
    known ??= runner.run('wg', ['--version']).then(({ stdout }) => dialectOf(stdout));
    // A wg that is missing today may be there tomorrow.
    known.catch(() => (known = undefined));
    return known;
  };
}

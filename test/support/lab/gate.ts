import type { LabHost } from './start-host.ts';

/** A place in a host where a hook waits until the test lets it go on, instead of sleeping for a while. */
export interface Gate {
  /** The hook. Whoever limits the time of hooks limits this one too. */
  readonly hook: string;
  /** Lets one waiting hook go on; waits for one if there is none yet. */
  open(): Promise<void>;
  remove(): Promise<void>;
}

const PIPE = '/run/gate';

/** Makes the gate of a host: a named pipe. */
export async function makeGate(host: LabHost): Promise<Gate> {
  await host.mustExec(['sh', '-c', `rm -f ${PIPE} && mkfifo ${PIPE}`]);
  return {
    // The end of the file comes when the writer has gone.
    hook: `cat ${PIPE}`,
    open: async () => {
      await host.mustExec(['sh', '-c', `: > ${PIPE}`]);
    },
    remove: async () => {
      await host.mustExec(['rm', PIPE]);
    },
  };
}

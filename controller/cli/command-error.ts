/** A command cannot do what it was asked for; the message says why, and what to do. */
export class CommandError extends Error {
  readonly code = 'command';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A command cannot do what it was asked for; the message tells the operator what to do. */
export class CommandError extends Error {
  readonly code = 'command';
}

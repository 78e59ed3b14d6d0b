import { failureText } from './protocol/failure-text.ts';

/**
 * Ends a command whose output nobody takes: quietly where the reader has seen enough (`| head`), with a sentence and exit code 1 where it
 * was not written, as on a full disk. Not for the agent itself: it serves on, whoever reads its log.
 */
export function endWithOutput(program: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`${program}: the output was not written: ${failureText(error)}\n`);
    process.exit(1);
  });
  // There is no other place where to tell of it.
  process.stderr.on('error', () => undefined);
}

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { encodeText } from './text-bytes.ts';

/** O_TMPFILE of open(2), which Node does not name: a file without a name, gone with its last descriptor. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const MEMORY_FOLDER = '/dev/shm';

/**
 * Calls `use` with a descriptor of a nameless 0600 file in memory that holds `text`; hand it to a child and name it `/dev/fd/3`.
 * Programs that read keys want a path, a Node pipe is a socket that they cannot open, and a named file would outlive a crash.
 */
export async function withSecretFile<T>(text: string, use: (fd: number) => Promise<T>): Promise<T> {
  const handle = await open(MEMORY_FOLDER, constants.O_RDWR | O_TMPFILE, 0o600);
  try {
    await handle.writeFile(encodeText(text));
    return await use(handle.fd);
  } finally {
    await handle.close();
  }
}

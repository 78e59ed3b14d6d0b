import { expect, test } from '@jest/globals';
import { fstatSync, readlinkSync } from 'node:fs';
import { createCommandRunner } from './command-runner.ts';
import { withSecretFile } from './secret-file.ts';

const runner = createCommandRunner();

test('a child reads the text, as often as it wants', async () => {
  const result = await withSecretFile('top secret\n', (fd) =>
    runner.run('cat', ['/dev/fd/3', '/dev/fd/3'], { fds: [fd] }),
  );
  expect(result).toEqual({ exitCode: 0, stdout: 'top secret\ntop secret\n', stderr: '' });
});

test('an empty text is an empty file', async () => {
  const result = await withSecretFile('', (fd) => runner.run('cat', ['/dev/fd/3'], { fds: [fd] }));
  expect(result).toMatchObject({ exitCode: 0, stdout: '' });
});

test('N6: the file has no name, lies in memory and is closed to others', async () => {
  const file = await withSecretFile('top secret', (fd) => {
    const { mode, nlink } = fstatSync(fd);
    return Promise.resolve({
      mode: (mode & 0o777).toString(8),
      nlink,
      path: readlinkSync(`/proc/self/fd/${String(fd)}`),
    });
  });
  expect(file).toEqual({ mode: '600', nlink: 0, path: expect.stringMatching(/^\/dev\/shm\/.* \(deleted\)$/) });
});

test('the descriptor is closed afterwards, also after a failure', async () => {
  let held = -1;
  const failed = withSecretFile('top secret', (fd) => {
    held = fd;
    return Promise.reject(new Error('mine'));
  });
  await expect(failed).rejects.toThrow('mine');
  expect(held).toBeGreaterThan(2);
  expect(linkOf(held)).not.toMatch(/\/dev\/shm/);
});

test('two at once do not see each other', async () => {
  const read = (text: string): Promise<string> =>
    withSecretFile(text, async (fd) => (await runner.run('cat', ['/dev/fd/3'], { fds: [fd] })).stdout);
  expect(await Promise.all([read('one'), read('two')])).toEqual(['one', 'two']);
});

/** What a descriptor of ours points at; empty when it is closed. */
function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${String(fd)}`);
  } catch {
    return '';
  }
}

import { spawnSync } from 'node:child_process';
import { expect, jest, test } from '@jest/globals';
import { repositoryPath } from '../test/support/lab/repository.ts';

// Each starts a program from its source.
jest.setTimeout(60_000);

const run = (main: string, tail: string): { readonly status: number | null; readonly stderr: string } =>
  // Node writes to a pipe a moment later than its reader has gone.
  spawnSync('bash', ['-c', `set -o pipefail; "$0" "$1" --help ${tail}`, process.execPath, repositoryPath(main)], {
    encoding: 'utf8',
  });

const PROGRAMS = ['agent/main.ts', 'controller/cli/main.ts'];

test.each(PROGRAMS)('%s tells in a sentence that its output was not written', (main) => {
  const { status, stderr } = run(main, '> /dev/full');
  expect(stderr).toMatch(/^(wgnode-agent|kubectl wgnode): the output was not written: .*no space.*\n$/);
  expect(status).toBe(1);
});

test.each(PROGRAMS)('%s ends quietly when nobody reads on', (main) => {
  expect(run(main, '| exec true')).toMatchObject({ status: 0, stderr: '' });
});

import { expect, test } from '@jest/globals';
import { parseArguments } from './arguments.ts';
import { importCommand } from './import.ts';
import { createTerminal } from './terminal.ts';

test.each(['Foo Bar', 'a.b', '-x', 'x'.repeat(64)])('import takes no namespace that is none: %s', async (name) => {
  const args = parseArguments(['import', 'wg0.conf', '--address', 'a.example', `--namespace=${name}`]);
  await expect(importCommand({ args, terminal: createTerminal() })).rejects.toMatchObject({
    ...{ code: 'command', exitCode: 2 },
    message: expect.stringContaining('name of a namespace'),
  });
});

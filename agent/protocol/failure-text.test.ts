import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { AgentError } from '../core/agent-error.ts';
import { CommandError } from '../cli/command-error.ts';
import { SettingsError } from '../settings.ts';
import { failureText } from './failure-text.ts';

const errno = (code: string, over: object = {}): Error =>
  Object.assign(new Error(`${code}: words of Node`), { code, syscall: 'mkdir', path: '/etc/wgnode', ...over });

test.each([
  ['of the agent', new AgentError('invalid_file', 'ln0.conf is a symbolic link'), 'ln0.conf is a symbolic link'],
  ['of a command', new CommandError('plan needs one file'), 'plan needs one file'],
  ['of settings', new SettingsError('tls must be set'), 'tls must be set'],
  ['no permission', errno('EACCES'), 'Cannot mkdir /etc/wgnode: permission is denied: run it as root (EACCES)'],
  ['not permitted', errno('EPERM'), 'Cannot mkdir /etc/wgnode: it is not permitted: run it as root (EPERM)'],
  ['a read-only disk', errno('EROFS'), /^Cannot mkdir \/etc\/wgnode: .*read-only.* \(EROFS\)$/],
  ['a full disk', errno('ENOSPC'), /^Cannot mkdir \/etc\/wgnode: .*space.* \(ENOSPC\)$/],
  ['a code that nobody thought of', errno('EXDEV'), 'Cannot mkdir /etc/wgnode: EXDEV'],
  ['a call without a path', errno('ENOSPC', { syscall: 'write', path: undefined }), /^Cannot write: no space/],
  [
    'a name that DNS does not know',
    errno('ENOTFOUND', { syscall: 'getaddrinfo', path: undefined, hostname: 'nope.invalid' }),
    /^Cannot getaddrinfo nope\.invalid: .*DNS/,
  ],
  ['no error at all', 'words', 'words'],
])('a failure is told in one sentence: %s', (_, error, expected) => {
  const text = failureText(error);
  if (typeof expected === 'string') expect(text).toBe(expected);
  else expect(text).toMatch(expected);
  expect(text).not.toContain('\n');
});

test('of a file that stands where a folder is meant, the path is told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wgnode-failure-'));
  const path = join(folder, 'file', 'wg0.conf');
  writeFileSync(join(folder, 'file'), '');
  try {
    openSync(path, 'r');
  } catch (error) {
    expect(failureText(error)).toMatch(`Cannot open ${path}: a part of the path is no folder`);
  }
  expect.assertions(1);
  rmSync(folder, { recursive: true });
});

test('a fault of ours keeps its stack trace', () => {
  expect(failureText(new TypeError('x is not a function'))).toContain('failure-text.test.ts');
});

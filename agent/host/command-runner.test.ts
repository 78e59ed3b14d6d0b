import { describe, expect, test } from '@jest/globals';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../test/support/until.ts';
import { type CommandOptions, type CommandResult, createCommandRunner, mustRun } from './command-runner.ts';
import { withSecretFile } from './secret-file.ts';

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
const bash = (script: string, options?: CommandOptions): Promise<CommandResult> =>
  createCommandRunner().run('bash', ['-c', script], options);

/** Whether a process still does something; one that is dead and not yet waited for has no command line. */
const isAlive = async (pid: string): Promise<boolean> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== '';

describe('a command', () => {
  test('gives its output, its errors and its exit code', async () => {
    expect(await bash('echo out; echo err >&2; exit 3')).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('gets its arguments as they are, without a shell', async () => {
    const result = await createCommandRunner().run('printf', ['%s|', '$(id)', 'a b', '*', ';true', '']);
    expect(result.stdout).toBe('$(id)|a b|*|;true||');
  });

  test('reads what it is given', async () => {
    expect((await createCommandRunner().run('cat', [], { stdin: 'a\nü' })).stdout).toBe('a\nü');
  });

  test('has nothing to read otherwise', async () => {
    expect(await createCommandRunner().run('cat', [])).toMatchObject({ exitCode: 0, stdout: '' });
  });

  test('may end without reading what it is given', async () => {
    const result = await createCommandRunner().run('true', [], { stdin: 'x'.repeat(4 * 1024 * 1024) });
    expect(result.exitCode).toBe(0);
  });

  test('gets a file descriptor as its third', async () => {
    const result = await withSecretFile('held', (fd) => createCommandRunner().run('cat', ['/dev/fd/3'], { fds: [fd] }));
    expect(result.stdout).toBe('held');
  });

  test('gives long output as a whole', async () => {
    const { stdout } = await bash('head -c 5000000 /dev/zero | tr "\\0" x');
    expect(stdout).toHaveLength(5_000_000);
  });

  test('knows nothing of our environment but a fixed path and locale', async () => {
    const { stdout } = await createCommandRunner().run('env', []);
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names.filter(Boolean).sort()).toEqual(['LC_ALL', 'PATH', 'WG_ENDPOINT_RESOLUTION_RETRIES']);
  });
});

describe('a command that cannot be started', () => {
  test('is missing', async () => {
    expect(await createCommandRunner().run('no-such-program', ['x']).catch(codeOf)).toBe('command_missing');
  });

  test('is no program', async () => {
    expect(await createCommandRunner().run('/etc/passwd', []).catch(codeOf)).toBe('command_failed');
  });

  test('is missing although it should read something', async () => {
    expect(await createCommandRunner().run('no-such-program', [], { stdin: 'x' }).catch(codeOf)).toBe(
      'command_missing',
    );
  });
});

describe('N19: the deadline', () => {
  test('ends a command', async () => {
    const started = performance.now();
    expect((await bash('sleep 60', { timeoutMs: 100 })).exitCode).toBeNull();
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('ends all that a command has started, also what it waits for and what ignores signals', async () => {
    const script = `trap '' TERM HUP; sleep 60 & echo $!; bash -c 'echo $$; exec sleep 60' & wait`;
    const { exitCode, stdout } = await bash(script, { timeoutMs: 300 });
    expect(exitCode).toBeNull();
    const pids = stdout.trim().split('\n');
    expect(pids).toHaveLength(2);
    await until('both to be gone', async () => !(await Promise.all(pids.map(isAlive))).includes(true));
  });

  test('gives what was written before it', async () => {
    expect(await bash('echo early; sleep 60', { timeoutMs: 200 })).toMatchObject({ exitCode: null, stdout: 'early\n' });
  });

  test('that passes after the command has ended, while a daemon still holds its output, changes nothing', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'command-runner-'));
    const pidFile = join(folder.path, 'pid');
    const script = `setsid sleep 60 & echo $! > ${pidFile}; exit 4`;
    try {
      expect((await bash(script, { timeoutMs: 240 })).exitCode).toBe(4);
    } finally {
      process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
    }
  });
});

test('a daemon that keeps the output open does not keep us', async () => {
  const started = performance.now();
  const { exitCode, stdout } = await bash('sleep 60 & echo $!');
  process.kill(Number(stdout), 'SIGKILL');
  expect(exitCode).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test.each(['read', 'none'] as const)('case M1: a daemon that prints later lives on (output %s)', async (output) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'command-runner-'));
  const [pidFile, gate, done] = ['pid', 'gate', 'done'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  // It prints once the command is long over, and says that it survived that.
  const daemon = `until [ -e ${gate} ]; do sleep 0.05; done; echo late; echo late >&2; touch ${done}; sleep 60`;
  const script = `setsid bash -c '${daemon}' & echo $! > ${pidFile}`;
  try {
    expect((await bash(script, { output })).exitCode).toBe(0);
    await writeFile(gate, '');
    await until('the daemon to have printed', async () => (await readdir(folder.path)).includes('done'));
  } finally {
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
  }
});

test('every process is counted by its program', async () => {
  const runner = createCommandRunner();
  await Promise.all([runner.run('true', []), runner.run('true', []), runner.run('false', [])]);
  await runner.run('no-such-program', []).catch(codeOf);
  expect(Object.fromEntries(runner.spawned)).toEqual({ true: 2, false: 1, 'no-such-program': 1 });
});

describe('a command that must succeed', () => {
  const runner = createCommandRunner();

  test('gives its output', async () => {
    expect(await mustRun(runner, ['echo', 'a'])).toBe('a\n');
  });

  test.each<{ name: string; argv: [string, ...string[]]; code: string }>([
    { name: 'that fails', argv: ['false'], code: 'command_failed' },
    { name: 'that is killed', argv: ['sleep', '60'], code: 'command_failed' },
    { name: 'that is missing', argv: ['no-such-program'], code: 'command_missing' },
  ])('$name throws $code', async ({ argv, code }) => {
    expect(await mustRun(runner, argv, { timeoutMs: 200 }).catch(codeOf)).toBe(code);
  });

  test('N8: tells nothing of what it printed', async () => {
    const key = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';
    const error: unknown = await mustRun(runner, ['bash', '-c', `echo ${key} >&2; exit 1`]).catch(
      (cause: unknown) => cause,
    );
    expect(codeOf(error)).toBe('command_failed');
    expect(String(error)).not.toContain(key);
  });
});

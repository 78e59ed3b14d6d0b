import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { repositoryPath } from '../support/lab/repository.ts';

const run = promisify(execFile);

/** Runs a bundle in a folder where no node_modules could help it, with an empty environment. */
const bundle = async (name: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
  const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' } };
  try {
    return { code: 0, ...(await run(process.execPath, [repositoryPath(`dist/${name}.mjs`), ...args], options)) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
};

describe('the bundles that hack/build makes', () => {
  beforeAll(() => run(repositoryPath('hack/build'), []));

  test.each(['wgnode-controller', 'wgnode-agent'])(
    '%s says its version and shows help with an example',
    async (name) => {
      expect(await bundle(name, '--version')).toMatchObject({
        code: 0,
        stdout: `${packageFile.version}\n`,
        stderr: '',
      });
      expect((await bundle(name, '--help')).stdout).toContain(`Usage: ${name}`);
    },
  );

  test.each([
    ['wgnode-controller', ['--workers', 'many'], '--workers must be a whole number'],
    ['wgnode-controller', ['--kubeconfig', '/nonexistent'], 'Cannot read the kubeconfig'],
    ['wgnode-agent', ['--port', '1'], 'Unknown command --port'],
  ])('%s %j ends with one line that says what is wrong, and no stack trace', async (name, args, text) => {
    const { code, stderr } = await bundle(name, ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

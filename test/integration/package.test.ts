import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { COMMAND_HELP } from '../../agent/cli/help.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { mustRun, run } from '../support/lab/run.ts';

const UNIT = repositoryPath('agent/systemd/wgnode-agent.service');

describe('what the package of the agent brings', () => {
  test('the unit is confined: exposure of at most 2.4', async () => {
    const { exitCode, stdout } = await run(['systemd-analyze', 'security', '--offline=true', '--threshold=24', UNIT]);
    expect({ exitCode, level: /exposure level .*: ([0-9.]+)/.exec(stdout)?.[1] }).toEqual({
      exitCode: 0,
      level: '2.4',
    });
  });

  test.each(['iptables-legacy', 'openresolv', 'wireguard-go'])(
    'the drop-in %s is one that systemd reads',
    async (name) => {
      const text = readFileSync(repositoryPath(`agent/systemd/${name}.conf`), 'utf8');
      expect(text).toMatch(/^# install .*\n\[Service\]\n/m);
      const whole = `${readFileSync(UNIT, 'utf8')
        .replace(/ExecStart=.*/, 'ExecStart=/bin/true')
        .replace(/^Documentation.*\n/m, '')}\n${text}`;
      const file = `/run/wgnode-test-${String(process.pid)}.service`;
      const { stderr } = await run(['sh', '-c', `cat > ${file}; systemd-analyze verify ${file}; rm ${file}`], {
        stdin: whole,
      });
      expect(stderr.split('\n').filter((line) => line.includes('wgnode-test'))).toEqual([]);
    },
  );

  test('every file that the description names is there, or made by hack/release', () => {
    const { contents } = load(readFileSync(repositoryPath('agent/package/nfpm.yaml'), 'utf8')) as {
      contents: { src: string; dst: string }[];
    };
    const own = contents.map(({ src }) => src).filter((src) => !src.startsWith('dist/'));
    for (const src of own) expect(readFileSync(repositoryPath(src)).length).toBeGreaterThan(0);
    expect(contents.map(({ dst }) => dst)).toContain('/usr/lib/systemd/system/wgnode-agent.service');
  });

  test('manual and completion know every command', async () => {
    const manual = readFileSync(repositoryPath('agent/package/wgnode-agent.8'), 'utf8');
    const script = `source ${repositoryPath('agent/package/completion.bash')}; COMP_WORDS=(wgnode-agent ''); COMP_CWORD=1; _wgnode_agent; printf '%s\n' "\${COMPREPLY[@]}"`;
    const offered = (await mustRun(['bash', '-c', script])).split('\n');
    for (const command of Object.keys(COMMAND_HELP)) {
      expect(manual).toContain(`.B ${command}`);
      expect(offered).toContain(command);
    }
  });

  test.each(['postinstall', 'preremove', 'postremove'])('%s without systemd ends well', async (name) => {
    const { exitCode } = await run([
      'unshare',
      '--mount',
      'sh',
      '-c',
      `mount -t tmpfs none /run && sh ${repositoryPath(`agent/package/${name}.sh`)} configure`,
    ]);
    expect(exitCode).toBe(0);
  });
});

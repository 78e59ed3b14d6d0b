import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createCommandRunner } from '../host/command-runner.ts';
import { SettingsError } from '../settings.ts';
import { checkHost, findingsText } from './check-host.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-check-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const found = async (lines: string): Promise<string> => {
  writeFileSync(join(folder, 'wg0.conf'), `[Interface]\n${lines}`);
  const settings = new SettingsError('secrets must hold at least one HMAC key');
  return findingsText(await checkHost({ runner: createCommandRunner(), configFolder: folder, settings, nowMs: 0 }));
};

test.each([
  ['PostUp = /root/up.sh\n', true],
  ['PostUp = bash -c "cat /home/me/x"\n', true],
  ['PostUp = . ~/env\n', true],
  ['PostUp = /etc/wireguard/root/up.sh\n', false],
  ['PostUp = iptables -A FORWARD -i %i -j ACCEPT\n', false],
])('a hook that looks for files in a home is told: %j', async (lines, isTold) => {
  expect(/^warning +wg0 hooks/m.test(await found(lines))).toBe(isTold);
});

test('what is in the way comes with what to do, a line each', async () => {
  const text = await found('SaveConfig = true\n');
  expect(text).toMatch(/^failed +configuration +secrets must hold/m);
  expect(text).toMatch(/^warning +wg0 SaveConfig +true: .*take the line out$/m);
});

test.each([
  [
    'a link that leads nowhere',
    (path: string) => {
      symlinkSync('/nowhere', path);
    },
  ],
  [
    'a link',
    (path: string) => {
      symlinkSync('wg0.conf', path);
    },
  ],
  [
    'a folder',
    (path: string) => {
      mkdirSync(path);
    },
  ],
])('%s in the place of a file is one finding, and the others are told', async (_, make) => {
  make(join(folder, 'ln0.conf'));
  const text = await found('SaveConfig = true\n');
  expect(text).toMatch(/^warning +ln0 file +.*ln0\.conf is .*regular file/m);
  expect(text).toMatch(/^warning +wg0 SaveConfig/m);
});

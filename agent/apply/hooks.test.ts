import { expect, test } from '@jest/globals';
import { createCommandRunner } from '../host/command-runner.ts';
import { dialectOf } from '../host/dialect.ts';
import { runHook } from './hooks.ts';
import type { ManagedInterface } from './managed-interface.ts';

const target = {
  name: 'wg7',
  path: '/etc/wireguard/wg7.conf',
  host: {
    runner: createCommandRunner(),
    audit: { write: () => undefined },
    limits: { hookTimeoutMs: 60_000 },
    hooks: { mode: 'shell', allowed: [] },
    dialect: () => Promise.resolve(dialectOf('wireguard-tools v1.0.20210914')),
  },
} as unknown as ManagedInterface;

test.each([
  { name: '%i is the interface', hook: 'test %i = wg7' },
  { name: 'case M10: so is $INTERFACE', hook: 'test "$INTERFACE" = wg7' },
  { name: "case M10: $CONFIG_FILE is the interface's own file", hook: 'test "$CONFIG_FILE" = /etc/wireguard/wg7.conf' },
  { name: 'case M10: they are not exported, as in wg-quick', hook: 'test -z "$(printenv INTERFACE CONFIG_FILE)"' },
  { name: 'quotes and pipes are those of bash', hook: `printf '%s' "a'b" | grep -q "a'b"` },
])('$name', async ({ hook }) => {
  await expect(runHook(target, hook)).resolves.toBeUndefined();
});

test.each(['false', 'false; true', 'false | true', 'exit 3'])('%s fails', async (hook) => {
  await expect(runHook(target, hook)).rejects.toMatchObject({ code: 'command_failed' });
});

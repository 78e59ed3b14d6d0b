import { importFiles } from '../../agent/cli/import-files.ts';
import { MISUSE } from './arguments.ts';
import { CommandError } from './command-error.ts';
import type { Alone } from './session.ts';

/** `kubectl wgnode import`: wants no cluster, as what it prints goes to kubectl. */
export async function importCommand({ args, terminal }: Alone): Promise<number> {
  const { names } = args;
  if (names.length === 0) throw new CommandError('import needs the names of files, as /etc/wireguard/wg0.conf', MISUSE);
  const wanted = args.text('mode') ?? 'Observe';
  if (wanted !== 'Observe' && wanted !== 'Enforce') throw new CommandError('--mode must be Observe or Enforce', MISUSE);
  const namespace = args.text('namespace') ?? 'edge';
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    throw new CommandError(
      `-n ${JSON.stringify(namespace)} must be the name of a namespace: lower case letters, digits and hyphens`,
      MISUSE,
    );
  const text = await importFiles(names, {
    interfaces: null,
    namespace,
    mode: wanted,
    address: args.text('address') ?? null,
    name: args.text('name') ?? null,
  });
  // The Secrets hold private keys.
  if (terminal.isTerminal)
    throw new CommandError('The output holds private keys, and is not shown: add | kubectl apply -f -');
  terminal.print(text);
  return 0;
}

import packageFile from '../../package.json' with { type: 'json' };
import type { Command } from './session.ts';

/** `kubectl wgnode --help` */
export const helpOf = (
  commands: Readonly<Record<string, Command>>,
): string => `kubectl wgnode ${packageFile.version}: WireGuard interfaces of hosts outside the cluster, as they are now

Usage: kubectl wgnode COMMAND [flags]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}`)
  .join('\n')}
  version     prints the versions of this program and of the cluster

Flags of every command:
  -n, --namespace NAME    default: that of the context
      --context NAME, --kubeconfig FILE
  -h, --help              of a command, too

Exit codes: 0 all is well, 1 it is not or failed, 2 wrong use (of diff: not known), 130 Ctrl-C. NO_COLOR turns colours off.

Examples:
  kubectl wgnode get -A
  kubectl wgnode status fra1-wg0
  kubectl wgnode reconcile fra1-wg0 --wait
`;

/** `kubectl wgnode COMMAND --help` */
export const commandHelpOf = ({ usage, summary, more }: Command): string =>
  `Usage: kubectl wgnode ${usage}\n\n${summary.charAt(0).toUpperCase()}${summary.slice(1)}.\n${more === undefined ? '' : `${more}\n`}`;

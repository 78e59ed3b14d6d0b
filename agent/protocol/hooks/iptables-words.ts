import type { HookCommand } from './hook.ts';

/** Whether a program is iptables(8) or one of its variants, by its name without a folder. */
export const isIptables = (program: string): boolean => /^ip6?tables(?:-nft|-legacy)?$/.test(program);

const SHORT: Readonly<Record<string, string>> = Object.fromEntries(
  [
    '-t --table, -w --wait, -A --append, -I --insert, -D --delete, -C --check, -N --new-chain, -X --delete-chain, -F --flush',
    '-i --in-interface, -o --out-interface, -s --source --src, -d --destination --dst, -p --protocol --proto, -j --jump, -g --goto, -m --match',
    '--sport --source-port, --dport --destination-port, --sports --source-ports, --dports --destination-ports, --ctstate --state',
  ]
    .flatMap((names) => names.split(', '))
    .flatMap((names) => {
      const [short = '', ...others] = names.split(' ');
      return others.map((long) => [long, short]);
    }),
);

/** The one spelling of an option: `--in-interface` = `-i`; any other word as it is. */
export const shortOption = (word: string): string => SHORT[word] ?? word;

/** Whether a command only asks whether a rule is there. */
export const isCheck = ({ program, args }: HookCommand): boolean =>
  isIptables(program) && args.some(({ text }) => shortOption(text) === '-C');

/** What says the same as a program that hooks may not run. */
export const insteadOfProgram = (name: string): string =>
  OTHERS.get(name.slice(name.lastIndexOf('/') + 1)) ??
  'allowCommands in /etc/wgnode/agent.yaml of the host names its own programs';

const OTHERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'iptables-restore': 'each rule as a hook of its own, iptables -A ...',
    'ip6tables-restore': 'each rule as a hook of its own, ip6tables -A ...',
    'systemd-resolve': 'resolvectl dns %i 10.0.0.1, or the field dns',
    modprobe: 'a file in /etc/modules-load.d of the host',
    'wg-quick': 'a resource of its own for the other interface',
    eval: 'the commands themselves',
    if: 'CHECK || COMMAND, or a script of the host in allowCommands',
    for: 'each command by itself',
    while: 'a script of the host in allowCommands',
  }),
);

const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '-f': 'each object by itself, nft add ...; the file of the host can be loaded by its own unit',
    netns: 'commands of this namespace',
    '-p': '-w KEY=VALUE',
    '--system': '-w KEY=VALUE',
    '--permanent': 'the same without it: what is permanent outlives the interface',
    '--reload': 'nothing: what runs is changed at once',
  }),
);

/** What says the same as a word that a program may not be given. */
export const insteadOfWord = (word: string): string | undefined => WORDS.get(word);

import { constants, accessSync } from 'node:fs';
import { AgentError } from '../../core/agent-error.ts';
import { addressesOf, type Family, FAMILIES } from '../../core/default-routing.ts';
import { type CommandRunner, mustRun, PROGRAM_FOLDERS } from '../../host/command-runner.ts';
import { type Cidr, ipOf } from '../../protocol/address.ts';

/** The rows of the firewall by which wg-quick keeps others from using the addresses of a tunnel, and packets of the tunnel marked. */
export interface FirewallRows {
  readonly mark: number;
  readonly family: Family;
  /** All addresses of the device. */
  readonly addresses: readonly Cidr[];
}

interface Words {
  readonly nft: 'ip' | 'ip6';
  readonly iptables: 'iptables' | 'ip6tables';
}
const WORDS: Readonly<Record<Family, Words>> = {
  '-4': { nft: 'ip', iptables: 'iptables' },
  '-6': { nft: 'ip6', iptables: 'ip6tables' },
};

const isInstalled = (program: string): boolean =>
  PROGRAM_FOLDERS.some((folder) => {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const tableOf = (name: string): string => `wg-quick-${name}`;

/** Sets the rows of all families at once; rows of the same interface from before are replaced. */
export async function setFirewall(runner: CommandRunner, name: string, rows: readonly FirewallRows[]): Promise<void> {
  if (rows.length === 0) return;
  if (isInstalled('nft')) {
    await mustRun(runner, ['nft', '-f', '-'], { stdin: rows.map((own) => nftText(name, own)).join('') });
    return;
  }
  for (const own of rows) {
    await removeIptables(runner, name, own.family);
    await mustRun(runner, [`${WORDS[own.family].iptables}-restore`, '-n'], { stdin: iptablesText(name, own) });
  }
}

function nftText(name: string, { mark, family, addresses }: FirewallRows): string {
  const pf = WORDS[family].nft;
  const table = `${pf} ${tableOf(name)}`;
  const drops = addressesOf(family, addresses).map(
    (address) =>
      `add rule ${table} preraw iifname != "${name}" ${pf} daddr ${ipOf(address)} fib saddr type != local drop`,
  );
  return [
    // Made and deleted first, so that it is new in one transaction.
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table}`,
    `add chain ${table} preraw { type filter hook prerouting priority -300; }`,
    `add chain ${table} premangle { type filter hook prerouting priority -150; }`,
    `add chain ${table} postmangle { type filter hook postrouting priority -150; }`,
    ...drops,
    `add rule ${table} postmangle meta l4proto udp mark ${String(mark)} ct mark set mark`,
    `add rule ${table} premangle meta l4proto udp meta mark set ct mark`,
    '',
  ].join('\n');
}

const commentOf = (name: string): string => `wg-quick(8) rule for ${name}`;

function iptablesText(name: string, { mark, family, addresses }: FirewallRows): string {
  const marker = `-m comment --comment "${commentOf(name)}"`;
  const drops = addressesOf(family, addresses).map(
    (address) => `-I PREROUTING ! -i ${name} -d ${ipOf(address)} -m addrtype ! --src-type LOCAL -j DROP ${marker}`,
  );
  return [
    '*raw',
    ...drops,
    'COMMIT',
    '*mangle',
    `-I POSTROUTING -m mark --mark ${String(mark)} -p udp -j CONNMARK --save-mark ${marker}`,
    `-I PREROUTING -p udp -j CONNMARK --restore-mark ${marker}`,
    'COMMIT',
    '',
  ].join('\n');
}

/** Whether the rows of a family are there: one for each address, and the two that mark. */
export async function hasFirewall(
  runner: CommandRunner,
  name: string,
  { family, addresses }: Omit<FirewallRows, 'mark'>,
): Promise<boolean> {
  const { nft, iptables } = WORDS[family];
  const wanted = addressesOf(family, addresses).length + 2;
  if (isInstalled('nft')) {
    const { exitCode, stdout, stderr } = await runner.run('nft', ['list', 'table', nft, tableOf(name)]);
    if (exitCode !== 0 && !stderr.includes('No such file or directory'))
      throw new AgentError('command_failed', `nft cannot tell the table ${tableOf(name)}`);
    return stdout.split('\n').filter((line) => / (drop|mark set .*)$/.test(line)).length >= wanted;
  }
  if (!isInstalled(iptables)) return false;
  return (await ownIptables(runner, name, family)).filter((line) => line.startsWith('-A')).length >= wanted;
}

/** Removes the rows, whoever set them and by which program; fine when there are none. */
export async function removeFirewall(runner: CommandRunner, name: string): Promise<void> {
  if (isInstalled('nft')) {
    const tables = (await mustRun(runner, ['nft', 'list', 'tables'])).split('\n');
    const own = tables.filter((table) => table.endsWith(` ${tableOf(name)}`)).map((table) => `delete ${table}\n`);
    if (own.length > 0) await mustRun(runner, ['nft', '-f', '-'], { stdin: own.join('') });
  }
  for (const family of FAMILIES) await removeIptables(runner, name, family);
}

async function removeIptables(runner: CommandRunner, name: string, family: Family): Promise<void> {
  const lines = await ownIptables(runner, name, family);
  if (!lines.some((line) => line.startsWith('-A'))) return;
  const stdin = `${lines.map((line) => line.replace(/^-A/, '-D')).join('\n')}\n`;
  await mustRun(runner, [`${WORDS[family].iptables}-restore`, '-n'], { stdin });
}

/** The lines of `iptables-save` that wg-quick's marker has, with the tables that they stand in. */
async function ownIptables(runner: CommandRunner, name: string, family: Family): Promise<string[]> {
  const program = `${WORDS[family].iptables}-save`;
  if (!isInstalled(program)) return [];
  try {
    const { stdout } = await runner.run(program, []);
    const marker = `-m comment --comment "${commentOf(name)}"`;
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('*') || line === 'COMMIT' || (line.startsWith('-A') && line.includes(marker)));
  } catch (error) {
    if (error instanceof AgentError && error.code === 'command_missing') return [];
    throw error;
  }
}

import type { Intent } from '../protocol/firewall/intent.ts';

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}
interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr?: readonly object[];
}
interface Row {
  readonly chain?: Chain;
  readonly rule?: Rule;
}

/** An intent that lets packets through which a chain of another table drops: to be accepted in one table does not help in the next. */
export interface BlockedIntent {
  readonly name: string;
  /** `ip filter FORWARD` */
  readonly chain: string;
}

/** Where packets of an intent pass, and by which devices it is told; null = it lets nothing through. */
function passage(
  intent: Intent,
  device: string,
): { readonly hook: string; readonly devices: readonly string[] } | null {
  switch (intent.type) {
    case 'Masquerade':
    case 'SNAT': {
      const { outInterface = device } = (intent.type === 'SNAT' ? intent.snat : intent.masquerade) ?? {};
      return { hook: 'forward', devices: [device, outInterface] };
    }
    case 'Forward': {
      const { inInterface = device, outInterface = device, action } = intent.forward ?? {};
      return action === 'Drop' ? null : { hook: 'forward', devices: [inInterface, outInterface] };
    }
    case 'PortForward':
      return { hook: 'forward', devices: [intent.portForward.inInterface, device] };
    case 'OpenPort':
      return { hook: 'input', devices: [intent.openPort.inInterface ?? device] };
    default:
      return null;
  }
}

/**
 * Intents that a chain with the policy drop, or with a last rule that drops everything, stands against, where no rule of that table names one of
 * their devices: what such a rule says is not judged. `ruleset`: as `nft -json list ruleset` prints it.
 */
export function blockedIntents(ruleset: string, intents: readonly Intent[], device: string): BlockedIntent[] {
  const { nftables = [] } = JSON.parse(ruleset) as { readonly nftables?: readonly Row[] };
  const chains = nftables.flatMap(({ chain }) => chain ?? []);
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  const others = chains.filter(({ table, hook }) => hook !== undefined && !table.startsWith('wgnode_'));
  return intents.flatMap((intent) => {
    const way = passage(intent, device);
    if (way === null) return [];
    return others
      .filter((chain) => chain.hook === way.hook && drops(chain, rules) && !names(chain, rules, way.devices))
      .map((chain) => ({ name: intent.name, chain: `${chain.family} ${chain.table} ${chain.name}` }));
  });
}

const isOf = ({ family, table }: Chain, rule: Rule): boolean => rule.family === family && rule.table === table;

function drops(chain: Chain, rules: readonly Rule[]): boolean {
  if (chain.policy === 'drop') return true;
  const last = rules.filter((rule) => isOf(chain, rule) && rule.chain === chain.name).at(-1)?.expr ?? [];
  const words = last.flatMap((expression) => Object.keys(expression)).filter((word) => word !== 'counter');
  return words.length === 1 && (words[0] === 'drop' || words[0] === 'reject');
}

/** `eth+` of iptables(8) is `eth*` here. */
function names(chain: Chain, rules: readonly Rule[], devices: readonly string[]): boolean {
  const text = JSON.stringify(rules.filter((rule) => isOf(chain, rule)));
  const known = [...text.matchAll(/"right":"([^"]{1,16})"/g)].map(([, word = '']) => word);
  return devices.some((device) =>
    known.some((word) => word === device || (word.endsWith('*') && device.startsWith(word.slice(0, -1)))),
  );
}

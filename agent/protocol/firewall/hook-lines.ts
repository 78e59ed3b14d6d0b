import { isIpv6 } from '../address.ts';
import type { InterfaceConfig } from '../wgquick/config.ts';
import type { Intent, IntentOf } from './intent.ts';

/** Lines of the file that the intents stand for, so that a plain wg-quick(8) does the same; `%i` is the interface. They depend on nothing else. */
export interface HookLines {
  readonly postUp: readonly string[];
  readonly postDown: readonly string[];
}

/** Where the table is read from: beside the file that names it. */
export const sidecarOf = (configPath: string): string => configPath.replace(/\.conf$/, '.wgnode.nft');

/** Loads the table. */
export const LOAD_LINE = 'nft -f /etc/wireguard/%i.wgnode.nft';
/** Never fails: whoever flushed the ruleset took the table with it. */
export const UNLOAD_LINE = "nft 'add table inet wgnode_%i; delete table inet wgnode_%i'";

const HOOK_TYPES = new Set<Intent['type']>(['IPForwarding', 'PolicyRoute']);
/** Whether the intents need a table of nftables. */
const needsTable = (intents: readonly Intent[]): boolean => intents.some(({ type }) => !HOOK_TYPES.has(type));

/** Empty = no line. */
export function hookLinesOf(intents: readonly Intent[]): HookLines {
  const table = needsTable(intents);
  const own = intents.flatMap((intent) => linesOf(intent));
  return {
    // Two intents may need the same route.
    postUp: [...(table ? [LOAD_LINE] : []), ...new Set(own.map(({ up }) => up))],
    postDown: [...[...new Set(own.flatMap(({ down }) => down ?? []))].reverse(), ...(table ? [UNLOAD_LINE] : [])],
  };
}

type WithHooks = Pick<InterfaceConfig, 'firewall' | 'postUp' | 'postDown'>;

/** The hooks as they stand in the file: the lines of the intents around those that somebody wrote. */
export function withIntentLines<C extends WithHooks>(config: C): C {
  if (config.firewall.length === 0) return config;
  const { postUp, postDown } = hookLinesOf(config.firewall);
  return { ...config, postUp: [...postUp, ...config.postUp], postDown: [...config.postDown, ...postDown] };
}

/** The inverse. Intents whose lines are not all there are none: nothing of them would happen. */
export function withoutIntentLines<C extends WithHooks>(config: C): C {
  if (config.firewall.length === 0) return config;
  const lines = hookLinesOf(config.firewall);
  const [postUp, postDown] = [without(config.postUp, lines.postUp), without(config.postDown, lines.postDown)];
  return postUp === null || postDown === null ? { ...config, firewall: [] } : { ...config, postUp, postDown };
}

/** Null = one of them is not there. */
function without(lines: readonly string[], own: readonly string[]): readonly string[] | null {
  const left = [...lines];
  for (const line of own) {
    const at = left.indexOf(line);
    if (at < 0) return null;
    left.splice(at, 1);
  }
  return left;
}

interface Line {
  readonly up: string;
  /** Null = it goes with the device, or stays for others. */
  readonly down: string | null;
}

/** The lines of one intent; none for one that is in the table. */
export function linesOf(intent: Intent): Line[] {
  if (intent.type === 'IPForwarding') return forwarding(intent);
  return intent.type === 'PolicyRoute' ? policyRoute(intent) : [];
}

const forwarding = ({ ipForwarding = {} }: IntentOf<'IPForwarding'>): Line[] =>
  (ipForwarding.families ?? ['IPv4', 'IPv6']).map((family) => ({
    up: `sysctl -q -w ${family === 'IPv4' ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding'}=1`,
    down: null,
  }));

function policyRoute({ policyRoute: own }: IntentOf<'PolicyRoute'>): Line[] {
  const { sources = [], destinations = [], inInterface, fwMark, table, priority, defaultRoute = true } = own;
  const froms = sources.length === 0 ? [''] : sources.map((network) => `from ${network}`);
  const tos = destinations.length === 0 ? [''] : destinations.map((network) => `to ${network}`);
  const rest = [
    ...(inInterface === undefined ? [] : [`iif ${inInterface}`]),
    ...(fwMark === undefined ? [] : [`fwmark ${String(fwMark)}`]),
    `table ${String(table)}`,
    ...(priority === undefined ? [] : [`priority ${String(priority)}`]),
  ];
  const selectors = froms.flatMap((from) =>
    tos.map((to) => [from, to, ...rest].filter((word) => word !== '').join(' ')),
  );
  const versions = [...new Set(selectors.map((selector) => (isIpv6(selector) ? '-6' : '-4')))];
  return [
    ...(defaultRoute
      ? versions.map((version) => ({ up: `ip ${version} route add default dev %i table ${String(table)}`, down: null }))
      : []),
    ...selectors.map((selector) => {
      const version = isIpv6(selector) ? '-6' : '-4';
      return { up: `ip ${version} rule add ${selector}`, down: `ip ${version} rule del ${selector}` };
    }),
  ];
}

import { isIpv6 } from '../address.ts';
import type { FieldProblem, RelatedValues } from '../wgquick/field.ts';
import type { Intent } from './intent.ts';
import { MAX_INTENTS, MEMBERS, shapeProblems } from './members.ts';

/** Tables of routes that the kernel and wg-quick use. */
const RESERVED = [253, 254, 255];

/** What is wrong with intents beside their shape. */
export function intentProblems(intents: readonly Intent[], related: RelatedValues): FieldProblem[] {
  const names = intents.map(({ name }) => name);
  return [
    ...(intents.length > MAX_INTENTS ? [{ message: `must hold at most ${String(MAX_INTENTS)} intents` }] : []),
    ...intents.flatMap((intent, index) => {
      const message =
        shapeProblems(intent)[0] ??
        (names.indexOf(intent.name) < index ? 'its name is there twice' : meaning(intent, related));
      return message === undefined ? [] : [{ message: `${intent.name}: ${message}`, index }];
    }),
  ];
}

const families = (networks: readonly string[] = []): Set<boolean> => new Set(networks.map(isIpv6));

function meaning(intent: Intent, { fwMark, listenPort, table: own }: RelatedValues): string | undefined {
  switch (intent.type) {
    case 'SNAT': {
      const { sources = [], toAddress } = intent.snat;
      return sources.some((source) => isIpv6(source) !== isIpv6(toAddress))
        ? 'snat.sources and snat.toAddress must be of one family'
        : undefined;
    }
    case 'Forward': {
      const { sources, destinations, ports = [], protocol } = intent.forward ?? {};
      const [left, right] = [families(sources), families(destinations)];
      if (left.size > 0 && right.size > 0 && ![...left].some((family) => right.has(family)))
        return 'forward.sources and forward.destinations have no family in common';
      return ports.length > 0 && protocol === undefined ? 'forward.ports needs forward.protocol' : undefined;
    }
    case 'KillSwitch':
      return fwMark === null && listenPort === null
        ? 'needs fwMark or listenPort, by which the packets of the tunnel itself are told from others'
        : undefined;
    case 'PolicyRoute': {
      const { inInterface, fwMark: mark, table, defaultRoute = true } = intent.policyRoute;
      const [sources, destinations] = [intent.policyRoute.sources, intent.policyRoute.destinations].map(
        (networks = []) => networks.filter((network) => !network.endsWith('/0')),
      ) as [string[], string[]];
      if (RESERVED.includes(table))
        return `policyRoute.table must not be one of ${RESERVED.join(', ')}, which the kernel uses`;
      // Its routes are made before these.
      const isOwn = String(table) === own || (own === null && table === (fwMark ?? 51_820));
      if (isOwn && defaultRoute)
        return 'policyRoute.table is the table of the interface itself; choose another one, or defaultRoute: false';
      if (sources.length + destinations.length === 0 && inInterface === undefined && mark === undefined)
        return `policyRoute needs one of ${Object.keys(MEMBERS.PolicyRoute.properties).slice(0, 4).join(', ')}: it would be a rule for everything`;
      const all = families([...sources, ...destinations]);
      return all.size > 1 && sources.length > 0 && destinations.length > 0
        ? 'policyRoute.sources and policyRoute.destinations must be of one family'
        : undefined;
    }
    default:
      return undefined;
  }
}

import { type Cidr, coverage, isIpv6, lengthOf, networkOf } from '../protocol/address.ts';
import { highestImpact, type Impact, isAbove } from '../protocol/impact.ts';
import { type StepAction, STEPS } from '../protocol/steps.ts';
import type { FieldName, InterfaceConfig } from '../protocol/wgquick/config.ts';
import { changedFields, FIELDS, isSame } from '../protocol/wgquick/fields.ts';
import type { Live, Route } from './live.ts';

/** What each action needs to know beside its name. An action without a line here, or a line without an action, does not compile. */
interface StepArguments {
  readonly 'write-file': object;
  readonly 'set-private-key': object;
  readonly 'set-listen-port': { readonly port: number };
  readonly 'set-fwmark': { readonly mark: number | null };
  readonly 'set-mtu': { readonly mtu: number };
  readonly 'link-up': object;
  readonly 'add-address': { readonly address: Cidr };
  readonly 'remove-address': { readonly address: Cidr };
  readonly 'add-route': { readonly route: Route };
  readonly 'set-dns': object;
  readonly 'run-hooks': object;
  readonly up: object;
  readonly down: object;
  readonly restart: object;
}

type ActionWith<A extends StepAction> = { readonly action: A } & StepArguments[A];

/** One thing to do on the host, of one action. `path` names the field of the resource that asks for it. */
export type StepOf<A extends StepAction> = ActionWith<A> & { readonly path: string; readonly impact: Impact };
export type Step = { [A in StepAction]: StepOf<A> }[StepAction];

/** Everything that a plan is made from. */
export interface Current {
  /** The file's interface part; null = no such file. */
  readonly file: InterfaceConfig | null;
  /** What the interface was brought up with; of no account while it is down. */
  readonly running: InterfaceConfig;
  /** What else we put on the device: that of an apply which is being undone. */
  readonly attempted: InterfaceConfig | null;
  /** null = no such device. */
  readonly live: Live | null;
}

/** What the running interface shall be like. */
export interface WantedLive {
  readonly config: InterfaceConfig;
  /** Of `config.privateKey`, passed in so that planning does no cryptography; null = no key; undefined = whatever there is. */
  readonly publicKey: string | null | undefined;
  readonly state: 'up' | 'down';
}

/** The MTU of a device for which nothing was asked, as the kernel module and wg-quick set it on an ordinary 1500-byte path. */
const DEFAULT_MTU = 1420;

const INTERFACE = 'spec.interface';
/** The impact of a step is that of its action, whoever asks. */
const step = <A extends StepAction>(kind: ActionWith<A>, path: string): StepOf<A> => ({
  ...kind,
  path: `${INTERFACE}.${path}`,
  impact: STEPS[kind.action].impact,
});

/**
 * The steps from `current` to `wanted`, in the order in which they run; empty = nothing to do. What cannot be done live is one
 * `restart`. Addresses and routes that we did not put there are left alone.
 */
export const plan = (current: Current, wanted: WantedLive): Step[] => [
  ...fileSteps(current.file, wanted.config),
  ...liveSteps(current, wanted),
];

function fileSteps(file: InterfaceConfig | null, wanted: InterfaceConfig): Step[] {
  if (file === null) return [step({ action: 'write-file' }, 'name')];
  const [first] = changedFields(file, wanted);
  return first === undefined
    ? []
    : [step({ action: 'write-file' }, first === 'privateKey' ? 'privateKeySecretRef' : first)];
}

/** The part of the plan that concerns the running interface. */
export function liveSteps(current: Current, wanted: WantedLive): Step[] {
  const { live, running } = current;
  if (wanted.state === 'down') return live === null ? [] : [step({ action: 'down' }, 'state')];
  if (live === null) return [step({ action: 'up' }, 'state')];
  const restart = restartField(running, wanted.config, live);
  if (restart !== undefined) return [step({ action: 'restart' }, restart)];
  return [
    ...deviceSteps(current, wanted, live),
    ...routeSteps(wanted.config, live),
    ...serviceSteps(running, wanted.config),
  ];
}

/** The field that no live change can serve: wg-quick's routing by mark and rules is made only at `up`. */
function restartField(running: InterfaceConfig, wanted: InterfaceConfig, live: Live): FieldName | undefined {
  if (!isSame('table', running, wanted)) return 'table';
  const newMark = running.fwMark !== wanted.fwMark && live.fwMark !== wanted.fwMark;
  return newMark && routesByMark(wanted, live) ? 'fwMark' : undefined;
}

/** Whether wg-quick routes everything through this interface by a mark and policy rules. */
const routesByMark = (config: InterfaceConfig, live: Live): boolean =>
  config.table === null && live.peers.some((peer) => peer.allowedIps.some((ip) => ip.endsWith('/0')));

function deviceSteps(current: Current, wanted: WantedLive, live: Live): Step[] {
  const { config } = wanted;
  const ours = current.attempted === null ? [current.running] : [current.running, current.attempted];
  const steps: Step[] = [];
  // A file without a key leaves it to a hook.
  if (wanted.publicKey !== undefined && wanted.publicKey !== live.publicKey)
    steps.push(step({ action: 'set-private-key' }, 'privateKeySecretRef'));
  if (config.listenPort !== null && config.listenPort !== live.listenPort) {
    steps.push(step({ action: 'set-listen-port', port: config.listenPort }, 'listenPort'));
  }
  const isOurMark = ours.some((known) => known.fwMark !== null && known.fwMark === live.fwMark);
  if (config.fwMark !== live.fwMark && (config.fwMark !== null || isOurMark)) {
    steps.push(step({ action: 'set-fwmark', mark: config.fwMark }, 'fwMark'));
  }
  const isOurMtu = ours.some((known) => known.mtu === live.mtu);
  const mtu = config.mtu ?? (isOurMtu ? DEFAULT_MTU : live.mtu);
  if (mtu !== live.mtu) steps.push(step({ action: 'set-mtu', mtu }, 'mtu'));
  if (!live.linkUp) steps.push(step({ action: 'link-up' }, 'state'));
  return [...steps, ...addressSteps(ours, config, live)];
}

function addressSteps(ours: readonly InterfaceConfig[], wanted: InterfaceConfig, live: Live): Step[] {
  const missing = wanted.addresses.filter((address) => !live.addresses.includes(address));
  const isOurs = (address: Cidr): boolean => ours.some((known) => known.addresses.includes(address));
  const stale = live.addresses.filter((address) => isOurs(address) && !wanted.addresses.includes(address));
  return [
    ...missing.map((address) => step({ action: 'add-address', address }, 'addresses')),
    ...stale.map((address) => step({ action: 'remove-address', address }, 'addresses')),
  ];
}

/**
 * Routes that wg-quick would have made for the allowed IPs and that are not there, most specific first; and the kernel's own
 * routes to the networks of present addresses, where somebody removed them.
 */
function routeSteps(wanted: InterfaceConfig, live: Live): Step[] {
  // Where the routes go is not known: none is added rather than one in the wrong table.
  if (wanted.invalid.table !== undefined) return [];
  const table = wanted.table === null || wanted.table === 'off' ? 'main' : wanted.table;
  const inTable = live.routes.filter((route) => route.table === table).map((route) => route.destination);
  // The networks of addresses that this same plan adds, or whose link it sets up, come by themselves.
  const isLive = (address: Cidr): boolean => live.linkUp && live.addresses.includes(address);
  const networks = table === 'main' ? wanted.addresses.filter((address) => isLive(address) && isRouted(address)) : [];
  // All networks of wanted addresses count as there: they are, they come, or they are put back here.
  const present = table === 'main' ? [...inTable, ...wanted.addresses] : inTable;
  const missing = [
    ...networks.map(networkOf).filter((network) => !inTable.includes(network)),
    ...(wanted.table === 'off' ? [] : missingAllowedIps(wanted, live, present)),
  ];
  const sorted = [...new Set(missing)].sort((left, right) => specificity(right) - specificity(left));
  return sorted.map((destination) => step({ action: 'add-route', route: { destination, table } }, 'table'));
}

function missingAllowedIps(wanted: InterfaceConfig, live: Live, present: readonly Cidr[]): Cidr[] {
  // In a table of its own wg-quick adds every route; in the main table only those that nothing covers yet.
  const isThere = wanted.table === null ? coverage(present) : membership(present);
  const isByMark = (ip: Cidr): boolean => wanted.table === null && ip.endsWith('/0');
  return live.peers.flatMap((peer) => peer.allowedIps).filter((ip) => !isByMark(ip) && !isThere(ip));
}

const membership = (routes: readonly Cidr[]): ((ip: Cidr) => boolean) => {
  const exact = new Set(routes);
  return (ip) => exact.has(ip);
};

/** Whether the kernel makes a route to the network of the address: not for a single host, nor for IPv4 networks within 0.0.0.0/8. */
const isRouted = (address: Cidr): boolean =>
  !address.endsWith(isIpv6(address) ? '/128' : '/32') && !networkOf(address).startsWith('0.');

/** Comparable over both families. */
const specificity = (cidr: Cidr): number => lengthOf(cidr) + (isIpv6(cidr) ? 0 : 96);

function serviceSteps(running: InterfaceConfig, wanted: InterfaceConfig): Step[] {
  const steps: Step[] = [];
  if (!isSame('dns', running, wanted)) steps.push(step({ action: 'set-dns' }, 'dns'));
  // A change of the down hooks alone corrects the teardown of a set-up that stays: it is stored and nothing runs.
  const upHooks = (['preUp', 'postUp'] as const).filter((name) => !FIELDS[name].equal(running[name], wanted[name]));
  const [changed] = upHooks;
  if (changed !== undefined) steps.push(step({ action: 'run-hooks' }, changed));
  return steps;
}

/** Whether the step takes the tunnel or its hooks down: after a crash in the middle nobody knows how far it came. */
export const isDisruptive = (candidate: Step): boolean => STEPS[candidate.action].group === 'lifecycle';

/** What the steps together do to running traffic. */
export const impactOf = (steps: readonly Step[]): Impact => highestImpact(steps.map(({ impact }) => impact));

/** The steps that do more to running traffic than `limit`. */
export const stepsAbove = (steps: readonly Step[], limit: Impact): Step[] =>
  steps.filter(({ impact }) => isAbove(impact, limit));

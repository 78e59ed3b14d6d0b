import { type Cidr, coverage, isIpv6, lengthOf, networkOf } from '../protocol/address.ts';
import { highestImpact, type Impact, isAbove } from '../protocol/impact.ts';
import { type FieldAction, type StepAction, STEPS } from '../protocol/steps.ts';
import { type DesiredInterface, NAME_PATH, STATE_PATH } from '../protocol/compare.ts';
import { changedFields, type InterfaceConfig, isSame } from '../protocol/wgquick/config.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from '../protocol/wgquick/fields.ts';
import { defaultFamilies, FAMILIES, type Family, routingFor, type RulePlace } from './default-routing.ts';
import { bareAddresses, isRouted } from './baseline.ts';
import { type SeenTable, type TableChange, tableChange } from './firewall-table.ts';
import { type Healing, healingOf } from './heal-hooks.ts';
import { type HookChange, hookChange } from './hook-change.ts';
import type { SeenEffect } from './seen-effects.ts';
import type { Baseline, Device, Route } from './device.ts';
import type { Effect } from '../protocol/hooks/effects/effect.ts';
import { effectsOf } from '../protocol/hooks/effects/effects-of.ts';

/** What each action needs to know beside its name. An action without a line here, or a line without an action, does not compile. */
interface StepArguments {
  readonly 'write-file': object;
  readonly 'set-private-key': object;
  readonly 'set-listen-port': { readonly port: number };
  readonly 'set-fwmark': { readonly mark: number | null };
  /** Null = the one that wg-quick would choose now. */
  readonly 'set-mtu': { readonly mtu: number | null };
  readonly 'link-up': object;
  /** `flag`: the kernel makes no route to its network. */
  readonly 'add-address': { readonly address: Cidr; readonly flag?: 'noprefixroute' };
  readonly 'remove-address': { readonly address: Cidr };
  readonly 'add-route': { readonly route: Route };
  /** Rules, firewall rows and table of a default route. `mark`: null = one that is free. */
  readonly 'restore-routing': {
    readonly families: readonly Family[];
    readonly mark: number | null;
    /** Where its rules were. */
    readonly places: readonly RulePlace[];
  };
  readonly 'set-firewall': { readonly firewall: TableChange };
  readonly 'set-dns': object;
  readonly 'restore-hooks': { readonly healing: Healing };
  readonly 'run-hooks': { readonly hooks: HookChange };
  readonly up: object;
  readonly down: object;
  readonly restart: object;
}

type ActionWith<A extends StepAction> = { readonly action: A } & StepArguments[A];

/** One thing to do on the host, of one action. `path` names the field of the resource that asks for it. */
export type StepOf<A extends StepAction> = ActionWith<A> & { readonly path: string; readonly impact: Impact };
/** One thing to do on the host. */
export type Step = { [A in StepAction]: StepOf<A> }[StepAction];

/** Everything that a plan is made from. */
export interface Current {
  /** Of the interface. */
  readonly name: string;
  /** The file's interface part; null = no such file. */
  readonly file: InterfaceConfig | null;
  /** What the interface was brought up with; of no account while it is down. */
  readonly running: InterfaceConfig;
  /** What else we put on the device: that of an apply which is being undone. */
  readonly attempted: InterfaceConfig | null;
  /** null = no such device. */
  readonly device: Device | null;
  /** How the device was right after it came up; null = not known. */
  readonly baseline: Baseline | null;
  /** Networks of the peers in the file; where a baseline is known, of those that came into it since. */
  readonly fileIps: readonly Cidr[];
  /** Networks of all peers in the file. */
  readonly peerIps: readonly Cidr[];
  /** Networks of peers that went from the file since the device came up. */
  readonly goneIps: readonly Cidr[];
  /** What up hooks left on the host, and that of it which is gone. */
  readonly effects: readonly SeenEffect[];
  readonly lost: readonly SeenEffect[];
  /** Null = it was brought up without firewall intents. */
  readonly table: SeenTable | null;
}

/** The impact of a step is that of its action, whoever asks. */
const step = <A extends StepAction>(kind: ActionWith<A>, path: string): StepOf<A> => ({
  ...kind,
  path,
  impact: STEPS[kind.action].impact,
});

/**
 * The steps from `current` to `desired`, in the order in which they run; empty = nothing to do. What cannot be done live is one
 * `restart`. Addresses and routes that we did not put there are left alone.
 */
export const plan = (current: Current, desired: DesiredInterface): Step[] => [
  ...fileSteps(current.file, desired.config),
  ...liveSteps(current, desired),
];

function fileSteps(file: InterfaceConfig | null, desired: InterfaceConfig): Step[] {
  if (file === null) return [step({ action: 'write-file' }, NAME_PATH)];
  const [first] = changedFields(file, desired);
  return first === undefined ? [] : [step({ action: 'write-file' }, pathOf(first))];
}

/** The part of the plan that concerns the running interface. */
export function liveSteps(current: Current, desired: DesiredInterface): Step[] {
  const { device } = current;
  if (desired.state === 'down') return device === null ? [] : [step({ action: 'down' }, STATE_PATH)];
  if (device === null) return [step({ action: 'up' }, STATE_PATH)];
  const change: Change = { ...current, device, desired: desired.config };
  const restart = restartField(change);
  if (restart !== undefined) return [step({ action: 'restart' }, pathOf(restart))];
  const link = device.linkUp ? [] : [step({ action: 'link-up' }, STATE_PATH)];
  const steps = [...link, ...fieldSteps(change), ...routeSteps(change)];
  steps.push(...routingSteps(change, steps), ...firewallSteps(change), ...healingSteps(change));
  // The sort is stable: routes stay as they were sorted.
  return steps.sort((left, right) => ACTIONS.indexOf(left.action) - ACTIONS.indexOf(right.action));
}

const ACTIONS = Object.keys(STEPS);

/** A running interface and the configuration that it shall have. */
interface Change extends Current {
  readonly device: Device;
  readonly desired: InterfaceConfig;
}

/** Configurations whose values we may have put on the device. */
const oursOf = ({ running, attempted }: Current): InterfaceConfig[] =>
  attempted === null ? [running] : [running, attempted];

/** The steps of an action for a field that is not as desired. */
const MAKERS: Readonly<Record<Exclude<FieldAction, 'restart'>, (change: Change, path: string) => Step[]>> = {
  'set-private-key': (_change, path) => [step({ action: 'set-private-key' }, path)],
  'set-listen-port': ({ desired: { listenPort } }, path) =>
    listenPort === null ? [] : [step({ action: 'set-listen-port', port: listenPort }, path)],
  'set-fwmark': ({ desired }, path) => [step({ action: 'set-fwmark', mark: desired.fwMark }, path)],
  'set-mtu': ({ desired }, path) => [step({ action: 'set-mtu', mtu: desired.mtu }, path)],
  'add-address': addressSteps,
  // Its table is told by the kernel (`firewallSteps`); these are the lines beside it.
  'set-firewall': (change, path) =>
    isSame('preUp', change.running, change.desired) && isSame('postUp', change.running, change.desired)
      ? MAKERS['run-hooks'](change, path)
      : [],
  'set-dns': (_change, path) => [step({ action: 'set-dns' }, path)],
  'run-hooks': ({ running, desired, lost }, path) => {
    const hooks = hookChange(running, desired);
    if (hooks === null) return [];
    // What is gone is not taken back: the very same rule may be of somebody else.
    const removed = hooks.removed.filter((hook) => !lost.some(({ command }) => command === hook.command));
    if (removed.length + hooks.added.length === 0 && path === pathOf('firewall')) return [];
    return [step({ action: 'run-hooks', hooks: { ...hooks, removed } }, path)];
  },
};

/** One step of an action is enough for all fields that ask for it, but for those that name a value. */
function fieldSteps(change: Change): Step[] {
  const { device, running, desired } = change;
  const made = new Set<StepAction>();
  return FIELD_NAMES.flatMap((name) => {
    const { running: shown } = fieldOf(name);
    if (shown.shownBy === 'file' || shown.step === 'restart') return [];
    const ours = oursOf(change).map((config) => config[name]);
    const holds =
      shown.shownBy === 'kernel'
        ? shown.holds(desired[name], device, ours) || isSettled(name, change)
        : isSame(name, running, desired);
    if (holds || made.has(shown.step)) return [];
    made.add(shown.step);
    return MAKERS[shown.step](change, pathOf(name));
  });
}

/** Whether the device has of a field what it had when it came up with the same value: a hook made it so, and it is right. */
function isSettled(name: FieldName, { running, desired, device, baseline }: Change): boolean {
  const { running: shown, equal } = fieldOf(name);
  if (baseline === null || shown.shownBy !== 'kernel' || !isSame(name, running, desired)) return false;
  return equal(shown.of(device), shown.of(baseline));
}

/** The fields in which a device is not as its file says, and right all the same. */
export function settledFields(current: Current): FieldName[] {
  const { device, file } = current;
  if (device === null || file === null) return [];
  return FIELD_NAMES.filter((name) => isSettled(name, { ...current, device, desired: file }));
}

/** The field that no live change can serve: wg-quick's routing by mark and rules is made only at `up`. */
function restartField({ running, desired, device }: Change): FieldName | undefined {
  const changed = FIELD_NAMES.find((name) => {
    const { running: shown } = fieldOf(name);
    return shown.shownBy === 'copy' && shown.step === 'restart' && !isSame(name, running, desired);
  });
  const newMark = running.fwMark !== desired.fwMark && device.fwMark !== desired.fwMark;
  if (changed === undefined && newMark && routesByMark(desired, device)) return 'fwMark';
  return changed ?? (hookChange(running, desired) === null ? changedHook(running, desired) : undefined);
}

/** The first of the up hooks that is another one. */
const changedHook = (running: InterfaceConfig, desired: InterfaceConfig): FieldName =>
  isSame('preUp', running, desired) ? 'postUp' : 'preUp';

/** Whether wg-quick routes everything through this interface by a mark and policy rules. */
const routesByMark = (config: InterfaceConfig, device: Device): boolean =>
  config.table === null && device.peers.some((peer) => peer.allowedIps.some((ip) => ip.endsWith('/0')));

const BARE = { flag: 'noprefixroute' } as const;

function addressSteps(change: Change, path: string): Step[] {
  const { desired, device } = change;
  const missing = desired.addresses.filter((address) => !device.addresses.includes(address));
  const isBare = bareAddresses(change.baseline, desired.table);
  const isOurs = membership(staleAddresses(change));
  const stale = device.addresses.filter(isOurs);
  return [
    ...missing.map((address) => step({ action: 'add-address', address, ...(isBare(address) ? BARE : {}) }, path)),
    ...stale.map((address) => step({ action: 'remove-address', address }, path)),
  ];
}

/**
 * Routes that were there when the device came up, or that wg-quick would have made for the peers of the file, and that are gone, most
 * specific first; and the kernel's own routes to the networks of present addresses, where somebody removed them.
 */
function routeSteps(change: Change): Step[] {
  const { desired, device, baseline, fileIps, goneIps } = change;
  // Where the routes go is not known: none is added rather than one in the wrong table.
  if (desired.invalid.table !== undefined) return [];
  const table = desired.table === null || desired.table === 'off' ? 'main' : desired.table;
  const inTable = device.routes.filter((route) => route.table === table).map((route) => route.destination);
  // The networks of addresses that this same plan adds, or whose link it sets up, come by themselves.
  const isLive = (address: Cidr): boolean => device.linkUp && device.addresses.includes(address);
  const isBare = bareAddresses(baseline, desired.table);
  const isConnected = (address: Cidr): boolean => isLive(address) && isRouted(address) && !isBare(address);
  const networks = table === 'main' ? desired.addresses.filter(isConnected) : [];
  // All networks of desired addresses count as there: they are, they come, or they are put back here.
  const stale = desired.table === null ? staleAddresses(change) : [];
  const leaving = membership(stale.filter((address) => device.addresses.includes(address)).map(networkOf));
  const present = table === 'main' ? [...inTable.filter((ip) => !leaving(ip)), ...desired.addresses] : inTable;
  // As good as always no network has come or gone, and there may be thousands.
  const isMoved = fileIps.length + goneIps.length + stale.length > 0;
  const live = membership(isMoved ? device.peers.flatMap(({ allowedIps }) => allowedIps) : []);
  const gone = membership(goneIps);
  const others =
    baseline === null
      ? missingAllowedIps(desired, fileIps, present)
      : [
          ...(hasAllOf(device.routes, baseline.routes) ? [] : lostRoutes(baseline, table, inTable)).filter(
            (ip) => live(ip) || !gone(ip),
          ),
          // A route to a peer that only the file has would lead nowhere.
          ...missingAllowedIps(desired, fileIps.filter(live), present),
          ...uncoveredIps(change, stale, present).filter(live),
        ];
  const missing = [...networks.map(networkOf).filter((network) => !inTable.includes(network)), ...others];
  const isHealed = membership(change.lost.flatMap(({ effect }) => routeOf(effect, table)));
  const sorted = [...new Set(missing)].sort((left, right) => specificity(right) - specificity(left));
  const routes = asTheyWere(baseline, table)(sorted.filter((destination) => !isHealed(destination)));
  return routes.map((route) => step({ action: 'add-route', route }, pathOf('table')));
}

/** The network of a route that a hook made, and makes again by itself. */
const routeOf = (effect: Effect, table: string): Cidr[] =>
  effect.kind === 'route' && effect.table === (table === 'main' ? MAIN : table) ? [effect.destination as Cidr] : [];

/** The number of the main table. */
const MAIN = '254';

/** Routes with all that they said when the device came up; those that need another one for their gateway are last. */
function asTheyWere(baseline: Baseline | null, table: string): (destinations: readonly Cidr[]) => Route[] {
  // Those of the kernel name an address, which may be another one by now.
  const own = (baseline?.routes ?? []).filter(
    (route) => route.table === table && route.attributes !== undefined && !isOfKernel(route),
  );
  const known = new Map(own.map((route) => [route.destination, route]));
  const isThrough = (route: Route): boolean => route.attributes?.startsWith('via ') === true;
  return (destinations) => {
    const routes = destinations.map((destination) => known.get(destination) ?? { destination, table });
    return [...routes.filter((route) => !isThrough(route)), ...routes.filter(isThrough)];
  };
}

/** Addresses that we gave the device, and that it shall not have. */
const staleAddresses = (change: Change): Cidr[] =>
  oursOf(change)
    .flatMap(({ addresses }) => addresses)
    .filter((address) => !change.desired.addresses.includes(address));

/** Networks of peers that lay in the network of an address that goes: with it goes their way. */
function uncoveredIps({ desired, peerIps }: Change, stale: readonly Cidr[], present: readonly Cidr[]): Cidr[] {
  if (stale.length === 0) return [];
  return missingAllowedIps(desired, peerIps.filter(coverage(stale)), present);
}

/** Whether they are surely all there: as good as always they are, in the same order. */
const hasAllOf = (routes: readonly Route[], known: readonly Route[]): boolean =>
  routes.length === known.length &&
  known.every(({ destination, table }, at) => routes[at]?.destination === destination && routes[at].table === table);

/** Routes of the baseline that are gone, but for those that come and go with an address: that to the other end of one, too. */
function lostRoutes({ addresses, routes }: Baseline, table: string, present: readonly Cidr[]): Cidr[] {
  const connected = new Set(addresses.map(networkOf));
  const isThere = membership(present);
  return routes
    .filter((route) => route.table === table && !connected.has(route.destination) && !isOfKernel(route))
    .map(({ destination }) => destination)
    .filter((destination) => !isThere(destination));
}

const isOfKernel = ({ attributes }: Route): boolean => attributes?.startsWith('proto kernel') === true;

function missingAllowedIps(desired: InterfaceConfig, fileIps: readonly Cidr[], present: readonly Cidr[]): Cidr[] {
  if (desired.table === 'off' || fileIps.length === 0) return [];
  // In a table of its own wg-quick adds every route; in the main table only those that nothing covers yet.
  const isThere = desired.table === null ? coverage(present) : membership(present);
  const isByMark = (ip: Cidr): boolean => desired.table === null && ip.endsWith('/0');
  return fileIps.filter((ip) => !isByMark(ip) && !isThere(ip));
}

/**
 * The routing of default routes where a piece of it is gone, or where addresses change, which stand in rows of the firewall. What there
 * was when the device came up is right; of a device that somebody else made, what wg-quick makes for the file.
 */
function routingSteps({ desired, device, baseline, fileIps }: Change, steps: readonly Step[]): Step[] {
  if (desired.table !== null || desired.invalid.table !== undefined) return [];
  // Whose default route went from the peers has no use for rules: they would lead nowhere.
  const used = defaultFamilies(device.peers);
  // What came into the file since is drift, too, once the kernel has it: an `up` would have made its rules.
  const expected = new Set([...(baseline?.routing ?? []), ...routingFor(fileIps)]);
  const lost = [...expected].filter(
    (part) => used.some((family) => part.startsWith(family)) && !device.routing.includes(part),
  );
  const moved = steps.some(({ action }) => action === 'add-address' || action === 'remove-address');
  const parts = [...lost, ...(moved ? device.routing : [])];
  if (parts.length === 0) return [];
  const families = FAMILIES.filter((family) => parts.some((part) => part.startsWith(family)));
  const mark = device.fwMark ?? baseline?.fwMark ?? null;
  return [step({ action: 'restore-routing', families, mark, places: baseline?.rulePlaces ?? [] }, pathOf('table'))];
}

function firewallSteps({ name, running, attempted, desired, table }: Change): Step[] {
  // What nobody can see is loaded where it was asked for, and fails where nft(8) fails; what stays fails no other change, and no undo.
  const isAsked = attempted === null && !isSame('firewall', running, desired);
  const isUnknown = table !== null && table.loaded === undefined;
  const firewall = tableChange(desired, name, isUnknown && isAsked ? null : table);
  return firewall === null ? [] : [step({ action: 'set-firewall', firewall }, pathOf('firewall'))];
}

/** What hooks left and is gone, of those that stay. */
function healingSteps({ lost, effects, desired }: Change): Step[] {
  const [first] = lost;
  if (first === undefined) return [];
  const wanted = new Set(effectsOf(desired, '%i').map(({ command }) => command));
  const isWanted = ({ command }: SeenEffect): boolean => wanted.has(command);
  const gone = lost.filter(isWanted);
  if (gone.length === 0) return [];
  return [step({ action: 'restore-hooks', healing: healingOf(effects.filter(isWanted), gone) }, pathOf(first.list))];
}

const membership = (routes: readonly Cidr[]): ((ip: Cidr) => boolean) => {
  const exact = new Set(routes);
  return (ip) => exact.has(ip);
};

/** Comparable over both families. */
const specificity = (cidr: Cidr): number => lengthOf(cidr) + (isIpv6(cidr) ? 0 : 96);

/** Whether the step takes the tunnel or its hooks down: after a crash in the middle nobody knows how far it came. */
export const isDisruptive = (candidate: Step): boolean => STEPS[candidate.action].group === 'lifecycle';

/** What the steps together do to running traffic. */
export const impactOf = (steps: readonly Step[]): Impact => highestImpact(steps.map(({ impact }) => impact));

/** The steps that do more to running traffic than `limit`. */
export const stepsAbove = (steps: readonly Step[], limit: Impact): Step[] =>
  steps.filter(({ impact }) => isAbove(impact, limit));

import { type Cidr, coverage, networkOf } from '../protocol/address.ts';
import type { StepAction } from '../protocol/steps.ts';
import { type InterfaceConfig, isSame } from '../protocol/wgquick/config.ts';
import type { Device } from './device.ts';
import type { Step } from './plan.ts';

/** What brings back what somebody changed on a running device; hooks that are restored fail nothing by themselves. */
const HEALING: ReadonlySet<StepAction> = new Set([
  'set-listen-port',
  'add-address',
  'remove-address',
  'add-route',
  'restore-routing',
]);

/** What a step is about, whatever else it holds. */
export function idOf(step: Step): string {
  if (step.action === 'add-route') return `${step.action} ${step.route.destination} ${step.route.table}`;
  if (step.action === 'add-address' || step.action === 'remove-address') return `${step.action} ${step.address}`;
  return step.action;
}

/**
 * The steps that heal what the request leaves as it is in the file: they must not fail it. None where it asks for nothing else, and
 * healing is all that it is for.
 */
export function unaskedSteps(steps: readonly Step[], file: InterfaceConfig | null, desired: InterfaceConfig): Step[] {
  if (file === null) return [];
  const moves = !isSame('addresses', file, desired);
  const wasCovered = coverage(moves ? goneNetworks(file.addresses, desired.addresses) : []);
  const isUnasked = (step: Step): boolean => {
    if (!HEALING.has(step.action)) return false;
    if (step.action === 'add-route') return !wasCovered(step.route.destination);
    return step.action === 'set-listen-port' ? file.listenPort === desired.listenPort : !moves;
  };
  const unasked = steps.filter(isUnasked);
  const others = steps.filter((step) => step.action !== 'restore-hooks' && !isUnasked(step));
  return others.length === 0 ? [] : unasked;
}

/** The networks of addresses that go. */
const goneNetworks = (before: readonly Cidr[], after: readonly Cidr[]): Cidr[] =>
  before.filter((address) => !after.includes(address)).map(networkOf);

/** Tells the steps of an undo: a route, or rules, that the previous device had not, either, are none of them. */
export function wasThere(previous: Device | null): (step: Step) => boolean {
  if (previous === null) return () => true;
  const routes = new Set(previous.routes.map(({ destination, table }) => `${destination} ${table}`));
  return (step) => {
    if (step.action === 'add-route') return routes.has(`${step.route.destination} ${step.route.table}`);
    if (step.action !== 'restore-routing') return true;
    return previous.routing.some((part) => step.families.some((family) => part.startsWith(family)));
  };
}

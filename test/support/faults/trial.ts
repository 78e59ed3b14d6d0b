import { until, UntilTimeout } from '../until.ts';
import type { Fault } from './fault.ts';
import type { Answer, FaultyHost } from './faulty-host.ts';
import { differences, type HostState } from './host-state.ts';
import type { Operation } from './operations.ts';
import { leadBack, type Position, type Reference } from './reference.ts';

/** `missed`: the fault did not come where it should. `broken`: what is wrong, in words; the host is of no use any more. */
export type Verdict =
  | { readonly kind: 'held' }
  | { readonly kind: 'missed' }
  | { readonly kind: 'broken'; readonly problems: readonly string[] };

export interface Trial {
  readonly operation: Operation;
  readonly reference: Reference;
  readonly fault: Fault;
}

/** Runs an operation from where it begins, with a fault in it; judges what is there then, and leads back to the beginning. */
export async function tryFault(host: FaultyHost, { operation, reference, fault }: Trial): Promise<Verdict> {
  const { from, to } = operation;
  if (operation.isFirst === true) await host.restartAgent();
  const { answer, hit } = await host.disturb(fault, () => host.request(from, to));
  if (!host.host.agent.running) await host.startAgent();
  const { state, position } = await settledState(host, reference, answer);
  if (position === undefined) return broken(answer, unlike(state, reference, answer));
  const wrongAnswer = judgeAnswer(answer, position);
  const problems = [
    ...wrongAnswer,
    ...(await judgeConfig(host, (position === 'before' ? from : to).state)),
    ...(await leadBack(host, operation, { reference, position })),
  ];
  if (problems.length > 0) return broken(answer, problems);
  return { kind: hit ? 'held' : 'missed' };
}

const broken = ({ status, code, message, rolledBack }: Answer, problems: readonly string[]): Verdict => {
  const said =
    status === null
      ? 'the agent died'
      : `answer ${String(status)} ${code ?? ''}${rolledBack === undefined ? '' : ` rolled_back ${String(rolledBack)}`}: ${message ?? ''}`;
  return { kind: 'broken', problems: [said.trim(), ...problems] };
};

/** How long an agent that has just begun may bring up what is wanted up. */
const SETTLE_MS = 5_000;

interface Settled {
  readonly state: HostState;
  /** Undefined: it is neither as before nor as after. */
  readonly position: Position | undefined;
}

async function settledState(host: FaultyHost, reference: Reference, { status }: Answer): Promise<Settled> {
  const look = async (): Promise<Settled> => {
    const state = await host.readState();
    return {
      state,
      position: (['before', 'after'] as const).find((position) => differences(reference[position], state).length === 0),
    };
  };
  const first = await look();
  if (first.position !== undefined || status !== null) return first;
  try {
    return await until(
      'a state that is known',
      async () => look().then((seen) => (seen.position === undefined ? undefined : seen)),
      { timeoutMs: SETTLE_MS },
    );
  } catch (error) {
    if (error instanceof UntilTimeout) return look();
    throw error;
  }
}

/** By what a state differs from what the answer promises; of an agent that died, from the nearer of the two that it may be. */
function unlike(state: HostState, reference: Reference, { status }: Answer): string[] {
  const [before, after] = (['before', 'after'] as const).map((position) => [
    `it is not as ${position}:`,
    ...differences(reference[position], state),
  ]) as [string[], string[]];
  if (status !== null) return status === 200 ? after : before;
  return before.length < after.length ? before : after;
}

/** What the caller was told is what is there; an agent that died told nothing. */
function judgeAnswer({ status, code, rolledBack }: Answer, position: Position): string[] {
  if (status === null) return [];
  if (status === 200) return position === 'after' ? [] : ['success was told, and nothing has changed'];
  if (position === 'after') return ['a failure was told, and the change was made'];
  return code === 'apply_failed' && rolledBack !== true
    ? ['the previous state is back, and the caller was told that it is not']
    : [];
}

async function judgeConfig(host: FaultyHost, state: 'up' | 'down'): Promise<string[]> {
  const config = await host.readConfig();
  if (config === undefined) return ['GET config is not answered'];
  const drift = config.drift.map(
    ({ path, file, live }) => `GET config tells drift of ${path}: file ${file}, live ${live}`,
  );
  return config.state === state ? drift : [...drift, `GET config tells that it is ${config.state}`];
}

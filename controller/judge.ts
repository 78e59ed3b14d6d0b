import { dryRun, type PutResponse, put, type PutRequest, refusalOf } from './agents/act.ts';
import type { AgentClient, CallOptions } from './agents/agent-client.ts';
import { AgentRefused, AgentUnreachable } from './agents/agent-error.ts';
import type { ClientPool } from './agents/client-pool.ts';
import { observationOf, observe } from './agents/observe.ts';
import { agentOrigin } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { Memory } from './memory.ts';
import { check } from './reconcile/checks.ts';
import { withCorrections } from './reconcile/contention.ts';
import { type Desired, specMoved } from './reconcile/desired.ts';
import { diff, type Difference } from './reconcile/diff.ts';
import type { Input } from './reconcile/input.ts';
import { openRequest, plan } from './reconcile/plan.ts';
import type { Seen, Outcome } from './reconcile/outcome.ts';
import type { Clock } from './runtime/clock.ts';
import type { KeyLock } from './runtime/key-lock.ts';

export interface JudgeParts {
  readonly pool: ClientPool;
  /** One mutation at a time for each host. */
  readonly hosts: KeyLock;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once when a change has lasted so long that status should say that it is under way. */
  readonly slow: () => void;
  /** Whether the object is still the one that was judged: asked right before the host is changed. */
  readonly isCurrent: () => boolean;
}

/** When status says that a change is under way, ms. */
const SLOW_MS = 2_000;

/** Compares the host with what is wanted and makes it so. The outcome says how that ended; nothing of it is written yet. */
export async function judge(input: Input, memory: Memory, parts: JudgeParts): Promise<Outcome> {
  const { node } = input;
  if (node.spec.suspend) return { kind: 'suspended', specMoved: specMoved(node) };
  const checked = check(input);
  if (checked.kind === 'refused') return checked;
  const { credentials, desired: wanted } = checked.ready;
  const client = parts.pool.get(node, credentials);
  memory.client = client;
  const options = { timeoutMs: node.spec.agent.timeoutSeconds * 1000, signal: parts.signal };
  try {
    return await new Look({ node, wanted, memory, client, options, parts }).run();
  } catch (error) {
    if (error instanceof AgentRefused) return { kind: 'refused', refusal: refusalOf(error) };
    if (error instanceof AgentUnreachable) {
      const { rung, message, retryAfterMs } = error;
      return { kind: 'unreachable', rung, message, ...(retryAfterMs === 0 ? {} : { retryAfterMs }) };
    }
    throw error;
  }
}

interface Case {
  readonly node: WireGuardNode;
  readonly wanted: Desired;
  readonly memory: Memory;
  readonly client: AgentClient;
  readonly options: CallOptions;
  readonly parts: JudgeParts;
}

/** One look at one host, from the first read to the read-back. */
class Look {
  readonly #case: Case;

  constructor(parts: Case) {
    this.#case = parts;
  }

  async run(): Promise<Outcome> {
    const { node, wanted, memory, parts } = this.#case;
    const read = await this.#read();
    if (read.kind === 'refused') return read;
    const { seen, differences } = read;
    const decision = plan(
      { node, desired: wanted, corrections: memory.corrections, nowMs: parts.clock.now() },
      differences,
    );
    switch (decision.kind) {
      case 'nothing':
        return { kind: 'in-sync', seen, desired: wanted, change: undefined };
      case 'report':
        return this.#waiting('drifted', seen, differences);
      case 'contended':
        return { kind: 'contended', seen, differences, path: decision.path };
      case 'apply':
        return parts.hosts.run(agentOrigin(node), () => {
          // The turn may have come late: what was true when the host was read may not be any more.
          if (!parts.isCurrent()) throw new Superseded('the object changed while it waited for its turn');
          return this.#apply(read, decision.cause);
        });
    }
  }

  async #read(): Promise<Read | Refused> {
    const { node, wanted, memory, client, options } = this.#case;
    const seen = await observe(client, node, memory, options);
    if ('reason' in seen) return { kind: 'refused', refusal: seen };
    return { kind: 'read', seen, differences: diff(wanted, observationOf(seen)) };
  }

  async #apply(read: Read, cause: Change['cause']): Promise<Outcome> {
    const { wanted } = this.#case;
    const response = await this.#put(read.seen);
    switch (response.kind) {
      case 'moved':
        throw new Superseded('the host changed after it was read');
      case 'refused':
        return { kind: 'refused', refusal: response.refusal, seen: read.seen };
      case 'impact-not-allowed':
        return this.#waiting('impact-not-allowed', read.seen, read.differences);
      case 'failed': {
        const after = await this.#read();
        const { seen, differences } = after.kind === 'read' ? after : read;
        const { message } = response;
        return response.restored
          ? { kind: 'apply-failed', seen, message }
          : { kind: 'not-restored', seen, differences, message };
      }
      case 'applied': {
        const after = await this.#read();
        if (after.kind === 'refused') return after;
        if (after.differences.length > 0)
          return { kind: 'apply-failed', seen: after.seen, message: notProven(after.differences) };
        const { impact, outage_ms: outageMs } = response.answer;
        const corrected = this.#countCorrections(cause, read.differences);
        return { kind: 'in-sync', seen: after.seen, desired: wanted, change: { cause, impact, outageMs, corrected } };
      }
    }
  }

  /** Paths of drift that was put right, for the count of contention; a new spec, key or request of a person starts it anew. */
  #countCorrections(cause: Change['cause'], differences: readonly Difference[]): string[] {
    const { memory, node, parts } = this.#case;
    const corrected = cause === 'DriftCorrected' ? differences.map(({ path }) => path) : [];
    const counts = corrected.length > 0 && openRequest(node) === undefined;
    memory.corrections = counts ? withCorrections(memory.corrections, corrected, parts.clock.now()) : [];
    return corrected;
  }

  async #put({ answer }: Seen): Promise<PutResponse> {
    const { client, options, parts } = this.#case;
    const cancel = parts.clock.after(SLOW_MS, parts.slow);
    try {
      return await put(client, { ...this.#request(), digest: answer?.digest }, options);
    } finally {
      cancel();
    }
  }

  async #waiting(
    kind: 'drifted' | 'impact-not-allowed',
    seen: Seen,
    differences: readonly Difference[],
  ): Promise<Outcome> {
    const { client, options } = this.#case;
    const planned = await dryRun(client, this.#request(), options);
    return 'reason' in planned
      ? { kind: 'refused', refusal: planned, seen }
      : { kind, seen, differences, plan: planned };
  }

  #request(): PutRequest {
    return { node: this.#case.node, desired: this.#case.wanted, digest: undefined };
  }
}

interface Read {
  readonly kind: 'read';
  readonly seen: Seen;
  readonly differences: readonly Difference[];
}
type Refused = Outcome & { kind: 'refused' };
type Change = NonNullable<(Outcome & { kind: 'in-sync' })['change']>;

const notProven = (differences: readonly Difference[]): string =>
  `The agent reports success, but the read-back still differs: ${differences.map(({ path }) => path).join(', ')}`;

/** What was decided no longer fits: the host or the object changed since it was read. The queue brings it back soon. */
export class Superseded extends Error {
  readonly code = 'superseded';
}

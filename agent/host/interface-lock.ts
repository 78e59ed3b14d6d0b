import { AgentError } from '../core/agent-error.ts';

/** Waiting mutations of one interface beyond which a caller is told `busy`. */
const MAX_WAITING = 64;

/** One mutation at a time for each interface, the others in order: old clients send several at once and never retry. */
export interface InterfaceLock {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Is called with the name whenever a mutation has ended, before its caller is told. */
  onEnd(listener: (name: string) => void): void;
  /** Takes no more, and resolves when what was taken has ended. */
  drain(): Promise<void>;
}

/** A lock with nobody waiting. */
export function createInterfaceLock(): InterfaceLock {
  const queues = new Map<string, { tail: Promise<unknown>; length: number }>();
  const listeners: ((name: string) => void)[] = [];
  let draining = false;
  return {
    onEnd(listener) {
      listeners.push(listener);
    },
    async drain() {
      draining = true;
      await Promise.all([...queues.values()].map((queue) => queue.tail));
    },
    async run(name, work) {
      if (draining) throw new AgentError('busy', 'The agent is stopping; try again when it is back');
      const queue = queues.get(name) ?? { tail: Promise.resolve(), length: 0 };
      if (queue.length > MAX_WAITING) {
        throw new AgentError('busy', `${String(MAX_WAITING)} changes of ${name} are waiting already; try again later`);
      }
      queue.length += 1;
      queues.set(name, queue);
      const turn = queue.tail.then(work, work);
      queue.tail = turn.catch(() => undefined);
      try {
        return await turn;
      } finally {
        for (const listener of listeners) listener(name);
        queue.length -= 1;
        if (queue.length === 0) queues.delete(name);
      }
    },
  };
}

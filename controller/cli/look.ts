import { textTable } from '../../agent/protocol/text-table.ts';
import { isAwayError, KubeError } from '../cluster/kube-client.ts';
import { explainError, listNodes, readNode, type Seen, watchNodes } from './cluster.ts';
import { CommandError } from './command-error.ts';
import { comparisonOf } from './comparison.ts';
import { controllerSeen, examine } from './doctor.ts';
import { eventsText } from './events.ts';
import { argumentOf, ladderOf } from './ladder.ts';
import { secretsSeen } from './secrets-seen.ts';
import { one, type Session } from './session.ts';
import * as views from './views.ts';

/** `kubectl wgnode get` */
export async function get(session: Session): Promise<number> {
  const { args, cluster, terminal, signal } = session;
  const output = views.outputOf(args.text('output'));
  const table = { isWide: output === 'wide', withNamespace: args.has('all-namespaces'), nowMs: terminal.nowMs() };
  if (args.has('watch')) return watch(session, table);
  const nodes =
    args.names.length > 0
      ? await Promise.all(args.names.map((name) => readNode(cluster, name)))
      : await listNodes(cluster, args);
  if (output !== 'table' && output !== 'wide') {
    terminal.print(views.documentOf(nodes, output, args.names.length !== 1));
    return 0;
  }
  if (nodes.length === 0) {
    const where = args.has('all-namespaces') ? 'in any namespace' : `in namespace ${cluster.namespace}`;
    terminal.remark(`No WireGuardNodes ${where}; those of a host: ssh root@HOST wgnode-agent enroll --all\n`);
    return 0;
  }
  terminal.print(
    textTable(
      views.headerOf(table),
      nodes.map((node) => views.rowOf(node, table)),
    ),
  );
  return signal.aborted ? 130 : 0;
}

/** A line for every change, as kubectl get -w; columns as wide as the first ones, or two spaces. */
async function watch({ args, cluster, terminal, signal }: Session, table: views.TableOptions): Promise<number> {
  const widths = views.headerOf(table).map((title) => title.length);
  const line = (cells: readonly string[]): string => {
    cells.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
    return `${cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()}\n`;
  };
  let isFirst = true;
  const seen: Seen = new Map();
  for (;;) {
    try {
      for await (const { node, isGone } of watchNodes(cluster, args, seen)) {
        if (args.names.length > 0 && !args.names.includes(node.metadata.name)) continue;
        const cells = views.rowOf(node, { ...table, nowMs: terminal.nowMs() });
        const header = isFirst ? line(views.headerOf(table)) : '';
        terminal.print(header + line(isGone ? goneRow(cells, table) : cells));
        isFirst = false;
      }
    } catch (error) {
      if (signal.aborted) return 130;
      // Who does not know us now will not in a second.
      const isKnown = !(error instanceof KubeError && error.status === 401);
      if (!isAwayError(error) || !isKnown) throw error;
      terminal.remark('the API server is away; trying again\n');
    }
    await terminal.pause(1_000, signal);
  }
}

const goneRow = (cells: readonly string[], { withNamespace }: views.TableOptions): string[] =>
  cells.map((cell, at) => (at === (withNamespace ? 2 : 1) ? 'gone' : cell));

/** `kubectl wgnode status` */
export async function status(session: Session): Promise<number> {
  const { terminal, cluster, args } = session;
  const node = await one(session);
  const [secrets, controller] = await Promise.all([secretsSeen(cluster, node), controllerSeen(cluster)]);
  const rungs = ladderOf({ node, nowMs: terminal.nowMs(), secrets, controller });
  if (args.text('output') === 'json')
    terminal.print(`${JSON.stringify({ object: views.titleOf(node), rungs }, null, 2)}\n`);
  else terminal.print(views.findingsText(rungs, terminal.isColoured));
  return rungs.some(({ state }) => state === 'failed' || state === 'waits') ? 1 : 0;
}

/** `kubectl wgnode diff`: whatever keeps it from knowing is 2. */
export async function diff(session: Session): Promise<number> {
  const { terminal, cluster } = session;
  const node = await one(session).catch((error: unknown) => {
    throw new CommandError(error instanceof CommandError ? error.message : explainError(error, cluster), 2);
  });
  const compared = comparisonOf(node);
  if (compared.kind === 'different') {
    terminal.print(views.driftText(node.status.drift ?? []));
    return 1;
  }
  terminal.remark(`${compared.text}\n`);
  return compared.kind === 'same' ? 0 : 2;
}

/** `kubectl wgnode plan` */
export async function plan(session: Session): Promise<number> {
  const { terminal } = session;
  const node = await one(session);
  if (node.status.observedGeneration !== node.metadata.generation) {
    terminal.remark(`${comparisonOf(node).text}\n`);
    return 2;
  }
  const text = views.planText(node);
  if (text === '') {
    terminal.remark(
      'No plan waits: there is one in mode Observe while the host differs, and where a change is above maxImpact\n',
    );
    return 0;
  }
  terminal.print(text);
  const { impact } = node.status.plan ?? {};
  const { mode, maxImpact } = node.spec.management;
  const next =
    mode === 'Observe'
      ? `kubectl wgnode enforce ${argumentOf(node)}`
      : `kubectl patch wgn ${argumentOf(node)} --type merge -p '{"spec":{"management":{"maxImpact":"${impact ?? ''}"}}}'`;
  terminal.remark(`Impact ${impact ?? ''}, allowed is ${maxImpact}. To have it carried out: ${next}\n`);
  return 0;
}

/** `kubectl wgnode check` */
export async function check({ cluster, args, terminal }: Session): Promise<number> {
  let hasFailed = false;
  for await (const finding of examine(cluster, args)) {
    terminal.print(views.findingsText([finding], terminal.isColoured));
    hasFailed ||= finding.state === 'failed';
  }
  return hasFailed ? 1 : 0;
}

/** `kubectl wgnode events` */
export async function events({ args, cluster, terminal }: Session): Promise<number> {
  const [name] = args.names;
  terminal.print(await eventsText(cluster, { name, isAll: args.has('all-namespaces'), nowMs: terminal.nowMs() }));
  return 0;
}

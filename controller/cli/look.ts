import { textTable } from '../../agent/protocol/text-table.ts';
import { isAwayError } from '../cluster/kube-client.ts';
import { explainError, listNodes, readNode, watchNodes } from './cluster.ts';
import { CommandError } from './command-error.ts';
import { examine } from './doctor.ts';
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
  for (;;) {
    try {
      for await (const { node, isGone } of watchNodes(cluster, args, signal)) {
        if (args.names.length > 0 && !args.names.includes(node.metadata.name)) continue;
        const cells = views.rowOf(node, { ...table, nowMs: terminal.nowMs() });
        const header = isFirst ? views.headerOf(table) : undefined;
        const row = line(
          isGone ? cells.map((cell, at) => (at === (table.withNamespace ? 2 : 1) ? 'gone' : cell)) : cells,
        );
        terminal.print(header === undefined ? row : line(header) + row);
        isFirst = false;
      }
    } catch (error) {
      if (signal.aborted) return 130;
      if (!isAwayError(error)) throw error;
      terminal.remark('the API server is away; trying again\n');
      await terminal.pause(1_000, signal);
    }
  }
}

/** `kubectl wgnode status` */
export async function status(session: Session): Promise<number> {
  const { terminal, cluster, args } = session;
  const node = await one(session);
  const nowMs = terminal.nowMs();
  const rungs = ladderOf({ node, nowMs, secrets: await secretsSeen(cluster, node) });
  const output = args.text('output');
  if (output === 'json') terminal.print(`${JSON.stringify({ object: views.titleOf(node), rungs }, null, 2)}\n`);
  else terminal.print(views.findingsText(rungs, terminal.isColoured));
  return rungs.every(({ state }) => state === 'ok') ? 0 : 1;
}

/** `kubectl wgnode diff` */
export async function diff(session: Session): Promise<number> {
  const { terminal } = session;
  const node = await one(session).catch((error: unknown) => {
    throw new CommandError(explainError(error, session.cluster), 2);
  });
  const { drift = [], observedGeneration, interface: seen } = node.status;
  if (observedGeneration !== node.metadata.generation || seen === undefined) {
    terminal.remark(`The host was not compared with generation ${String(node.metadata.generation)} yet: `);
    terminal.remark(`kubectl wgnode status ${argumentOf(node)}\n`);
    return 2;
  }
  if (drift.length === 0) {
    terminal.remark(`${node.spec.interface.name} is as wanted, in file and kernel\n`);
    return 0;
  }
  terminal.print(views.driftText(drift));
  return 1;
}

/** `kubectl wgnode plan` */
export async function plan(session: Session): Promise<number> {
  const { terminal } = session;
  const node = await one(session);
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

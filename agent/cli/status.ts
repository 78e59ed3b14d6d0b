import { existsSync, readFileSync } from 'node:fs';
import { recordOf } from '../core/audit-record.ts';
import { auditFiles } from '../host/audit-log.ts';
import { readCertificate } from '../http/tls-files.ts';
import type { ConfigResponse, DumpResponse } from '../protocol/messages.ts';
import type { AgentSettings } from '../settings.ts';
import { type LocalAgent, Refusal } from './local-agent.ts';
import { ageText, bytesText } from '../protocol/human-units.ts';
import { printable, textTable } from '../protocol/text-table.ts';

/** Of an interface. */
interface Row {
  readonly name: string;
  readonly config: ConfigResponse;
  readonly dump: DumpResponse | null;
}

/** As `isActive` counts: a handshake is renewed every two minutes while traffic flows. */
const ACTIVE_SECONDS = 180;
const DAY_MS = 86_400_000;

/** What `status` prints, and how it ends: 1 = there is none of an interface. */
export interface StatusReport {
  readonly text: string;
  readonly exitCode: 0 | 1;
}

/** What runs on this host, what differs, who asked last, and for how long the certificate is good. `isWide`: every peer, too. */
export async function status(
  { settings, agent, nowMs, auditFolder }: StatusSources,
  { names, isWide }: { readonly names: readonly string[]; readonly isWide: boolean },
): Promise<StatusReport> {
  const found = await Promise.all(names.map((name) => rowOf(agent, name)));
  const missing = names.filter((_, index) => found[index] === null);
  const known = found.filter((row) => row !== null);
  const rows = known.filter((row) => 'config' in row);
  const unread = known.filter((row) => 'why' in row);
  const interfaces = textTable(
    ['INTERFACE', 'STATE', 'PORT', 'PEERS', 'ACTIVE', 'DRIFT', 'MANAGED FOR'],
    [
      ...rows.map((row) => cellsOf(row, nowMs)),
      ...unread.map(({ name }) => [name, 'unknown', '-', '-', '-', '-', '-']),
    ],
  );
  const peers = isWide
    ? `\n${textTable(
        ['INTERFACE', 'PEER', 'ENDPOINT', 'HANDSHAKE', 'RECEIVED', 'SENT'],
        rows.flatMap((row) => peersOf(row, nowMs)),
      )}`
    : '';
  const drift = rows.flatMap(({ name, config }) =>
    config.drift.map(
      ({ path, file, live }) =>
        `${name}: ${path}: the file has ${file || 'nothing'}, the kernel ${live || 'nothing'}\n`,
    ),
  );
  const refusals = unread.map(({ name, why }) => `${printable(`${name}: ${why}`)}\n`);
  const absent = missing.map((name) => `${printable(name)}: there is no such interface, neither a file nor a device\n`);
  const more = [...absent, ...drift, ...refusals, ...certificateLine(settings, nowMs), ...callersLine(auditFolder)];
  const text = `${interfaces}${peers}${more.length === 0 ? '' : `\n${more.join('')}`}`;
  return { text, exitCode: missing.length === 0 ? 0 : 1 };
}

/** What `status` reads. */
export interface StatusSources {
  readonly settings: AgentSettings;
  readonly agent: LocalAgent;
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly auditFolder: string;
}

/** An interface that the agent does not tell of, as its file is no regular one. */
interface Unread {
  readonly name: string;
  readonly why: string;
}

const rowOf = (agent: LocalAgent, name: string): Promise<Row | Unread | null> =>
  readRow(agent, name).catch((error: unknown) => {
    if (error instanceof Refusal) return { name, why: error.message };
    throw error;
  });

async function readRow(agent: LocalAgent, name: string): Promise<Row | null> {
  const config = await agent.get<ConfigResponse>(`/v1/wg/${name}/config`);
  if (config === null) return null;
  return { name, config, dump: config.live === null ? null : await agent.get<DumpResponse>(`/v1/wg/${name}/dump`) };
}

function cellsOf({ name, config, dump }: Row, nowMs: number): string[] {
  const peers = dump?.peers ?? [];
  const active = peers.filter(({ latest_handshake: last }) => last !== null && nowMs / 1000 - last <= ACTIVE_SECONDS);
  const fields = config.drift.map(({ path }) => path.replace('spec.interface.', ''));
  return [
    name,
    config.state,
    config.live === null ? '-' : String(config.live.listen_port),
    dump === null ? '-' : String(peers.length),
    dump === null ? '-' : String(active.length),
    fields.length === 0 ? '-' : fields.join(','),
    config.owner?.name ?? '-',
  ];
}

const peersOf = ({ name, dump }: Row, nowMs: number): string[][] =>
  (dump?.peers ?? []).map((peer) => [
    name,
    peer.public_key,
    peer.endpoint ?? '-',
    peer.latest_handshake === null ? 'never' : `${ageText(nowMs / 1000 - peer.latest_handshake)} ago`,
    bytesText(peer.transfer_rx),
    bytesText(peer.transfer_tx),
  ]);

function certificateLine({ tls }: AgentSettings, nowMs: number): string[] {
  if (tls === null) return ['certificate: none, the agent speaks plain HTTP\n'];
  const { validToDate } = readCertificate(tls.cert);
  const days = Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
  return [`certificate: ${String(days)} days left (${tls.cert}, until ${validToDate.toISOString().slice(0, 10)})\n`];
}

/** Who asked for changes last, one line a caller; the newest file of the log is enough. */
function callersLine(folder: string): string[] {
  const [newest] = auditFiles(folder);
  if (newest === undefined || !existsSync(newest)) return [];
  const last = new Map<string, string>();
  for (const line of readFileSync(newest, 'utf8').split('\n')) {
    const record = recordOf(line);
    if (record?.caller.address != null)
      last.set(`${record.caller.address} with key ${record.caller.key ?? '?'}`, record.time);
  }
  return [...last].slice(-5).map(([who, time]) => `last change asked for by ${who} at ${time.slice(0, 19)}Z\n`);
}

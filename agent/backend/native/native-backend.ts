import type { Peer } from '../../core/device.ts';
import type { PeerDeltas } from '../../core/peer-deltas.ts';
import { peerSections, triggerHandshake } from '../../core/carry-over.ts';
import type { Dump } from '../../core/parse-dump.ts';
import { quickValues } from '../../core/quick-values.ts';
import { awaitQuick } from '../../host/await-quick.ts';
import { mustRun } from '../../host/command-runner.ts';
import type { Host } from '../../host/host.ts';
import { withSecretFile } from '../../host/secret-file.ts';
import type { Backend, Backends, DeviceOfFile, ResolvedEndpoint, Restoration } from '../backend.ts';
import { automaticMtu } from './automatic-mtu.ts';
import { bringUp } from './bring-up.ts';
import { configure } from './configure.ts';
import { fingerprint } from './fingerprint.ts';
import { ipBatch } from './ip-batch.ts';
import { readAllPeers } from './read-all-peers.ts';
import { kindOf } from './kind-of.ts';
import { describeRoutes, readDevice, readDump } from './read-device.ts';
import { takeDown } from './take-down.ts';
import type { Tools } from './tools.ts';
import { wgSet } from './wg-set.ts';

/** Devices by wg(8) and ip(8), as wg-quick(8) makes them. */
export function createNativeBackends({ runner, dialect }: Host): Backends {
  return {
    open: (name) => backendOf({ runner, name, dialect, awaitQuick: () => awaitQuick(name) }),
    readAllPeers: () => readAllPeers(runner),
  };
}

function backendOf(tools: Tools): Backend {
  const { runner, name } = tools;
  let asked: Promise<Dump> | null = null;
  const takeAnswer = (): Promise<Dump> | null => {
    const answer = asked;
    asked = null;
    return answer;
  };
  const changing = <T>(change: () => Promise<T>): Promise<T> => {
    asked = null;
    return change();
  };
  return {
    ask() {
      asked = askAhead(tools);
    },
    read: (table, untouched) => readDevice(runner, name, { table, untouched: untouched ?? null, answer: takeAnswer() }),
    describeRoutes: (routes, table) => describeRoutes(runner, name, { routes, table }),
    fingerprint: () => fingerprint(runner, name),
    configure: (change) => changing(() => configure(tools, change)),
    up: (start, hooks) => changing(() => bringUp(tools, start, hooks)),
    restore: (restoration) => changing(() => restore(tools, restoration)),
    setPeers: (deltas) => changing(() => setPeers(tools, deltas)),
    setEndpoints: (endpoints, device) => changing(() => setEndpoints(tools, endpoints, device)),
    down: (stop, hooks) =>
      changing(async () => {
        await hooks.preDown();
        await takeDown(tools, stop);
        await hooks.postDown();
      }),
    sweep: (stop) =>
      changing(async () => {
        if (kindOf(name) === 'absent') await takeDown(tools, stop);
      }),
  };
}

/** A question on its way; null where there is no device to ask about. */
function askAhead({ runner, name }: Tools): Promise<Dump> | null {
  try {
    const kind = kindOf(name);
    if (kind === 'absent') return null;
    const answer = readDump(runner, name, kind);
    // Whoever reads hears of a failure; nobody may.
    answer.catch(() => undefined);
    return answer;
  } catch {
    // `read` says so.
    return null;
  }
}

/** By a file, as the addresses of a single peer can be more than one argument of a process takes. */
async function addPeers({ runner, name }: Tools, peers: readonly Peer[]): Promise<void> {
  if (peers.length === 0) return;
  const addconf: [string, ...string[]] = ['wg', 'addconf', name, '/dev/fd/3'];
  await withSecretFile(peerSections(peers), (fd) => mustRun(runner, addconf, { fds: [fd] }));
}

/** Those that go first: what they had may be another one's. */
async function setPeers(tools: Tools, { set, removed }: PeerDeltas): Promise<void> {
  if (removed.length > 0) await wgSet(tools.runner, tools.name, { removed });
  await addPeers(tools, set);
}

async function restore(tools: Tools, { peers, listenPort, triggered }: Restoration): Promise<void> {
  const { runner, name } = tools;
  await addPeers(tools, peers);
  const port = listenPort === null ? {} : { listenPort };
  await wgSet(runner, name, { ...port, peers: triggerHandshake(triggered) });
}

async function setEndpoints(
  tools: Tools,
  endpoints: readonly ResolvedEndpoint[],
  { index, document }: DeviceOfFile,
): Promise<void> {
  const { runner, name, dialect } = tools;
  const device = await readDevice(runner, name, { table: 'off', untouched: null, answer: null });
  const present = new Set(device?.peers.map(({ publicKey }) => publicKey));
  // `wg set` would make a peer that somebody has removed meanwhile.
  const peers = endpoints.filter(({ publicKey }) => present.has(publicKey));
  if (device?.index !== index || peers.length === 0) return;
  await wgSet(runner, name, { peers });
  if (quickValues(document).mtu !== '') return;
  const known = new Map(endpoints.map(({ publicKey, endpoint }) => [publicKey, endpoint]));
  const all = device.peers.flatMap(({ publicKey, endpoint }) => known.get(publicKey) ?? endpoint ?? []);
  const mtu = await automaticMtu(tools, { endpoints: all, mark: device.fwMark, of: (await dialect()).mtuOf });
  if (mtu !== device.mtu) await ipBatch(runner, [`link set mtu ${String(mtu)} dev ${name}`]);
}

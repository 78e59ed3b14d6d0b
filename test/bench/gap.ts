import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from '../support/canary.ts';
import type { LabHost } from '../support/lab/start-host.ts';
import { until } from '../support/until.ts';
import type { BenchHost } from './bench-host.ts';

const PEERS = 500;
const INTERVAL_MS = 5;
/** Before and after a change. */
const PROBES = 40;
/** The port that the bench's files have. */
const PORT = 51_820;

/** A tunnel of a host with many peers to a second host, over which pings go. */
export interface PingedTunnel {
  readonly name: string;
  /** The longest time without a reply while the work is done, ms. */
  gapOf(work: () => Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
}

/** Brings the tunnel up: by the agent on the bench's host, by wg-quick on the far one. */
export async function startTunnel(bench: BenchHost, far: LabHost): Promise<PingedTunnel> {
  const name = bench.newName();
  const farKey = newPrivateKey();
  await bench.writeFile(name, PEERS);
  const path = `/etc/wireguard/${name}.conf`;
  const peer = `[Peer]\nPublicKey = ${publicKeyOf(new Secret(farKey))}\nAllowedIPs = 10.7.0.2/32\nEndpoint = ${far.address}:${String(PORT)}\n`;
  await bench.host.writeFile(path, `${await bench.host.readFile(path)}\n${peer}`);
  const own = `[Peer]\nPublicKey = ${publicKeyOf(new Secret(bench.key))}\nAllowedIPs = 10.7.0.1/32\nEndpoint = ${bench.host.address}:${String(PORT)}\n`;
  await far.writeFile(
    path,
    `[Interface]\nPrivateKey = ${farKey}\nAddress = 10.7.0.2/24\nListenPort = ${String(PORT)}\n\n${own}`,
  );
  await far.mustExec(['wg-quick', 'up', name]);
  await bench.enable(name);
  return {
    name,
    async gapOf(work) {
      const ping = await bench.host.startPing('10.7.0.2', { intervalMs: INTERVAL_MS });
      const more = async (what: string): Promise<void> => {
        const from = ping.received();
        await until(`pings ${what} the change`, () => ping.received() >= from + PROBES);
      };
      await more('before');
      await work();
      await more('after');
      const { longestGapMs } = await ping.stop();
      return longestGapMs;
    },
    async stop() {
      await bench.disable(name);
      await far.mustExec(['wg-quick', 'down', name]);
      await bench.host.mustExec(['rm', path]);
    },
  };
}

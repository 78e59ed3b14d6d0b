import { readFile, statfs } from 'node:fs/promises';
import { cpus } from 'node:os';

/** Load of the machine in the words of the old agent's contract; sizes in bytes. */
export interface HostStats {
  readonly cpu_percent: number;
  readonly memory: {
    readonly total: number;
    readonly available: number;
    readonly percent: number;
    readonly used: number;
  };
  readonly disk: { readonly total: number; readonly used: number; readonly free: number; readonly percent: number };
  readonly network: {
    readonly bytes_sent: number;
    readonly bytes_recv: number;
    readonly packets_sent: number;
    readonly packets_recv: number;
  };
}

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 100);

/** Busy and total CPU time since boot, ms. */
function cpuTimes(): { busy: number; total: number } {
  const times = cpus().map(({ times: t }) => ({ idle: t.idle, total: t.user + t.nice + t.sys + t.idle + t.irq }));
  const total = times.reduce((sum, t) => sum + t.total, 0);
  return { busy: total - times.reduce((sum, t) => sum + t.idle, 0), total };
}

/** Load of the machine; the CPU figure is that of the time since the call before. */
export function createHostStatsReader(): () => Promise<HostStats> {
  let last = cpuTimes();
  return async () => {
    const now = cpuTimes();
    const cpu = percent(now.busy - last.busy, now.total - last.total);
    last = now;
    const [meminfo, netdev, disk] = await Promise.all([
      readFile('/proc/meminfo', 'utf8'),
      readFile('/proc/self/net/dev', 'utf8'),
      statfs('/'),
    ]);
    const kibibytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
    const [total, available] = [kibibytes('MemTotal'), kibibytes('MemAvailable')];
    const size = disk.blocks * disk.bsize;
    const free = disk.bavail * disk.bsize;
    const used = size - disk.bfree * disk.bsize;
    return {
      cpu_percent: cpu,
      memory: { total, available, percent: percent(total - available, total), used: total - available },
      disk: { total: size, used, free, percent: percent(used, used + free) },
      network: networkTotals(netdev),
    };
  };
}

/** Sums proc(5) net/dev over all devices. */
function networkTotals(text: string): HostStats['network'] {
  const rows = text
    .split('\n')
    .flatMap((line) => (line.includes(':') ? [(line.split(':')[1] ?? '').trim().split(/\s+/).map(Number)] : []));
  const column = (index: number): number => rows.reduce((sum, row) => sum + (row[index] ?? 0), 0);
  return { bytes_recv: column(0), packets_recv: column(1), bytes_sent: column(8), packets_sent: column(9) };
}

import { existsSync } from 'node:fs';
import { AgentError } from '../../core/agent-error.ts';
import { readKernelFile } from '../../host/kernel-file.ts';
import { isUserspace } from './uapi.ts';

type Kind = 'kernel' | 'userspace' | 'absent';

/** Whose device that name is; one that is not WireGuard is an error, before anything touches it. */
export function kindOf(name: string): Kind {
  const folder = `/sys/class/net/${name}`;
  const uevent = readKernelFile(`${folder}/uevent`);
  if (uevent === null) return 'absent';
  if (/^DEVTYPE=wireguard$/m.test(uevent)) return 'kernel';
  if (existsSync(`${folder}/tun_flags`) && isUserspace(name)) return 'userspace';
  throw new AgentError(
    'not_wireguard',
    `${name} exists on this host and is not a WireGuard interface; it is left alone`,
  );
}

/** The number of the device of that name (ifindex); null = there is none. */
export function indexOf(name: string): number | null {
  const text = readKernelFile(`/sys/class/net/${name}/ifindex`);
  return text === null ? null : Number(text);
}

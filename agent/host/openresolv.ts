import { realpathSync } from 'node:fs';
import { basename } from 'node:path';

/** Whether resolvconf(8) is openresolv, which writes files; that of systemd is a name of resolvectl(1), which asks a daemon. */
export function isOpenresolv(): boolean {
  try {
    return basename(realpathSync('/usr/sbin/resolvconf')) === 'resolvconf';
  } catch {
    return false;
  }
}

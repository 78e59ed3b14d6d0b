import { existsSync } from 'node:fs';

const WANTS = '/etc/systemd/system/multi-user.target.wants';

/** Whether systemd brings the interface up at boot by wg-quick@: then two want it. */
export const isBootUnitEnabled = (name: string): boolean => existsSync(`${WANTS}/wg-quick@${name}.service`);

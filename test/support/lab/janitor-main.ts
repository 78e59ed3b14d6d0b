import { setTimeout as sleep } from 'node:timers/promises';
import { cleanStaleLabs } from './remove-lab.ts';

// Pipes close a moment before a dying process counts as dead, so one look may be too early.
for (let look = 0; look < 10; look += 1) {
  if ((await cleanStaleLabs()).length > 0) break;
  await sleep(200);
}

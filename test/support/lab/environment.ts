import { LAB_VARIABLE } from './lab-names.ts';

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The whole environment of a process of the lab. Nothing of the caller's leaks in (Jest sets NODE_OPTIONS), and the lab's number
 * lets whoever cleans up find the process.
 */
export function labEnvironment(number: number): Record<string, string> {
  return { PATH: SYSTEM_PATH, HOME: '/root', LC_ALL: 'C', [LAB_VARIABLE]: String(number) };
}

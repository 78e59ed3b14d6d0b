import { refuse } from '../refusal.ts';
import type { Checked, Program } from './program.ts';

const DEVICE = '(?:all|default|[A-Za-z0-9_%@-]{1,15})';
/** The keys that a tunnel and the forwarding through it need. */
const KEYS: readonly RegExp[] = [
  /^net\.ipv4\.ip_forward$/,
  new RegExp(
    `^net\\.ipv4\\.conf\\.${DEVICE}\\.(?:forwarding|rp_filter|src_valid_mark|proxy_arp|send_redirects|accept_redirects|route_localnet|arp_ignore|arp_announce)$`,
  ),
  new RegExp(`^net\\.ipv6\\.conf\\.${DEVICE}\\.(?:forwarding|proxy_ndp|disable_ipv6|accept_ra|accept_redirects)$`),
  /^net\.core\.[rw]mem_(?:max|default)$/,
];
const ALLOWED =
  'net.ipv4.ip_forward, net.ipv4.conf.IF.(forwarding, rp_filter, src_valid_mark, proxy_arp, send_redirects, accept_redirects, route_localnet), net.ipv6.conf.IF.(forwarding, proxy_ndp, disable_ipv6, accept_ra), net.core.rmem_max and wmem_max';

/** Whether hooks may set that key, dots between its parts. */
export const isSysctlKey = (key: string): boolean => KEYS.some((pattern) => pattern.test(key));

/** sysctl(8), which reads files with most of its options. */
export const SYSCTL: Program = {
  names: ['sysctl'],
  usage: { usage: '( -w | -q | -qw | -wq | --write | --quiet ) * <setting> <setting> *' },
  check: ({ values }: Checked) => {
    for (const { word } of values) {
      const [key = '', value = ''] = word.text.split('=');
      if (!isSysctlKey(key)) refuse(word, `${key} is no key for hooks`, { allowed: ALLOWED });
      if (!/^[0-9]{1,10}$/.test(value)) refuse(word, 'the value must be a number');
    }
  },
};

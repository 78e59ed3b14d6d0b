import { IPTABLES } from './iptables.ts';
import { FIREWALL_CMD, UFW } from './firewalls.ts';
import { IP } from './ip.ts';
import { IPSET } from './ipset.ts';
import { LOGGER, PING } from './messages.ts';
import { NFT } from './nft.ts';
import type { Program } from './program.ts';
import { RESOLVCONF, RESOLVECTL } from './resolver.ts';
import { SYSCTL } from './sysctl.ts';
import { TC } from './tc.ts';
import { WG } from './wg.ts';

/** All programs that hooks may run without the host's own word. */
export const PROGRAMS: readonly Program[] = [
  IPTABLES,
  IP,
  NFT,
  SYSCTL,
  WG,
  UFW,
  FIREWALL_CMD,
  RESOLVECTL,
  RESOLVCONF,
  TC,
  IPSET,
  PING,
  LOGGER,
];

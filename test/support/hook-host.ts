import { CALL, putBodyOf } from './agent-client.ts';
import { newPrivateKey } from './canary.ts';
import { INTERFACE } from './fleet.ts';
import { type LoneHost, useLoneHost } from './lone-host.ts';
import { NO_THIRD_HOSTS } from './third-hosts.ts';

const CLEAN =
  `ip link delete ${INTERFACE}; ${NO_THIRD_HOSTS}; iptables -F INPUT; iptables -F FORWARD; iptables -t nat -F; nft delete table ip wg_${INTERFACE}; rm -rf /run/log; ` +
  'while ip rule delete table 77; do :; done; ip route flush table 77';

/** As people write them: of the first page of every search. */
export const HOOKS_UP = ['iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE'];
export const HOOKS_DOWN = ['iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE'];

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** A host whose agent takes hooks of the grammar, as a fresh install does, and what tests of hooks do there. */
export interface HookHost {
  readonly alone: LoneHost;
  readonly sh: LoneHost['sh'];
  readonly put: (change: object) => Promise<Record<string, unknown>>;
  readonly enable: () => Promise<unknown>;
  readonly disable: () => Promise<unknown>;
  /** Writes a file with these lines in its interface part. */
  readonly conf: (...lines: string[]) => Promise<void>;
  /** The number of the device. */
  readonly index: () => Promise<string>;
  /** All rules, routes and tables that hooks of these tests set up. */
  readonly rules: () => Promise<string>;
}

export function useHookHost(): HookHost {
  const alone = useLoneHost(CLEAN, {
    WGNODE_HOOKS: 'grammar',
    WGNODE_ALLOW_COMMANDS: '[{path: /etc/wireguard/own.sh, args: ["up|down", "%i"]}]',
  });
  const { sh } = alone;
  const put = async (change: object): Promise<Record<string, unknown>> => ({
    ...(await alone.client.putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL)),
  });
  const enable = (): Promise<unknown> => alone.client.setState(INTERFACE, 'enable', CALL);
  const disable = (): Promise<unknown> => alone.client.setState(INTERFACE, 'disable', CALL);
  const conf = (...lines: string[]): Promise<void> =>
    alone.host.writeFile(
      CONF,
      `[Interface]\nPrivateKey = ${newPrivateKey()}\nAddress = 10.7.0.1/24\nListenPort = 51820\n${lines.join('\n')}\n`,
    );
  const index = (): Promise<string> => sh(`cat /sys/class/net/${INTERFACE}/ifindex`);
  /** All that hooks of these tests set up. */
  const RULES =
    'iptables-save | grep "^-A" || true; ip rule list table 77; ip route show table 77; nft list table ip wg_wg0 2>/dev/null || true';
  const rules = (): Promise<string> => sh(RULES.replaceAll('wg0', INTERFACE));
  return { alone, sh, put, enable, disable, conf, index, rules };
}

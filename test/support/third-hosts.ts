import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LabHost } from './lab/start-host.ts';

/**
 * Commands that put two hosts behind a host of the lab, each on a cable of its own: `left` (10.91.0.2, 2001:db8:91::2, device vleft of
 * the gateway) and `right` (10.92.0.2, 2001:db8:92::2, vright). The gateway forwards nothing (policy DROP) but routes both ways.
 */
export const THIRD_HOSTS = [
  'for each in left right; do ip netns add $each; ip link add v$each type veth peer name v0 netns $each; ip link set v$each up; ' +
    'ip -netns $each link set v0 up; ip -netns $each link set lo up; done',
  ...[91, 92].flatMap((net, at) => {
    const side = at === 0 ? 'left' : 'right';
    return [
      `ip addr add 10.${String(net)}.0.1/24 dev v${side}; ip addr add 2001:db8:${String(net)}::1/64 dev v${side} nodad`,
      `ip -netns ${side} addr add 10.${String(net)}.0.2/24 dev v0; ip -netns ${side} addr add 2001:db8:${String(net)}::2/64 dev v0 nodad`,
      `ip -netns ${side} route add default via 10.${String(net)}.0.1; ip -netns ${side} route add default via 2001:db8:${String(net)}::1`,
    ];
  }),
  'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; iptables -P FORWARD DROP; ip6tables -P FORWARD DROP',
].join('; ');

/** Takes them away again; fine where there are none. */
export const NO_THIRD_HOSTS =
  'ip netns delete left; ip netns delete right; iptables -P FORWARD ACCEPT; ip6tables -P FORWARD ACCEPT';

/** A server that says one word to whoever comes. */
export interface Greeter {
  stop(): void;
}

const GREET =
  "require('node:net').createServer((c) => c.end(process.argv[3] + ' ' + c.remoteAddress)).listen(+process.argv[2], process.argv[1], () => console.log('listening'))";

/** Serves `word` and the address of the caller by TCP, in a namespace of the host (null = on the host itself); resolves once it listens. */
export function startGreeter(
  host: LabHost,
  {
    namespace,
    address,
    port,
    word,
  }: { readonly namespace: string | null; readonly address: string; readonly port: number; readonly word: string },
): Promise<Greeter> {
  const inside = namespace === null ? [] : ['ip', 'netns', 'exec', namespace];
  const [program = '', ...args] = host.argvFor([...inside, process.execPath, '-e', GREET, address, String(port), word]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const stop = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => {
      reject(new Error('the greeter ended before it listened'));
    });
    createInterface(child.stdout).once('line', () => {
      resolve({ stop });
    });
  });
}

/** A command that prints what a greeter says to a namespace, or `none` after two seconds. */
export const greetingAt = (namespace: string, address: string, port: number): string =>
  `ip netns exec ${namespace} timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/${String(port)}; cat <&3' 2>/dev/null || echo none`;

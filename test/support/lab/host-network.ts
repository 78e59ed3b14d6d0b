import type { LabNames } from './lab-names.ts';
import { mustRun } from './run.ts';

/** Makes the lab's bridge and, for each host, a network namespace with `eth0` on it. Hosts have no default route. */
export async function makeNetwork(names: LabNames, hosts: readonly string[]): Promise<void> {
  const bridge = [
    `link add ${names.bridge} type bridge`,
    `addr add ${names.bridgeAddress}/24 dev ${names.bridge}`,
    `link set ${names.bridge} up`,
  ];
  const links = hosts.flatMap((host, index) => [
    `netns add ${names.namespace(host)}`,
    `link add ${names.veth(index)} type veth peer name eth0 netns ${names.namespace(host)}`,
    `link set ${names.veth(index)} master ${names.bridge} up`,
  ]);
  await batch([], [...bridge, ...links]);
  await Promise.all(
    hosts.map((host, index) =>
      batch(
        ['-netns', names.namespace(host)],
        ['link set lo up', `addr add ${names.address(index)}/24 dev eth0`, 'link set eth0 up'],
      ),
    ),
  );
}

async function batch(options: readonly string[], lines: readonly string[]): Promise<void> {
  await mustRun(['ip', ...options, '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

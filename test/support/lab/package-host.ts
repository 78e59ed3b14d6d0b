import { readFile } from 'node:fs/promises';
import { repositoryPath } from './repository.ts';
import type { LabHost } from './start-host.ts';

/** Where apt and systemctl of a host are: what they do in the lab, where no systemd runs. */
export const SHIMS = '/run/wgnode-lab/bin';
export const AGENT_LOG = '/run/wgnode-agent.log';

const APT = `#!/bin/sh
# apt install [--allow-downgrades] ./FILE | apt purge NAME
set -e
case "$1" in
  install) for file; do :; done; exec dpkg --install "$file" ;;
  purge) exec dpkg --purge "$2" ;;
esac
echo "apt: $*: not known here" >&2; exit 1
`;

/** The agent runs with the rights of its unit: what it may is what setpriv(1) can say of it. */
const systemctl = (capabilities: string): string => `#!/bin/bash
# daemon-reload | enable --now UNIT | disable --now UNIT | try-restart UNIT
set -euo pipefail
pid() { cat /run/wgnode-agent.pid 2>/dev/null || true; }
runs() { [ -n "$(pid)" ] && kill -0 "$(pid)" 2>/dev/null; }
start() {
  [ -e /etc/wgnode/agent.yaml ] || return 0
  INVOCATION_ID=lab setsid setpriv --bounding-set=-all,${capabilities} --inh-caps=-all --no-new-privs /usr/bin/wgnode-agent >>${AGENT_LOG} 2>&1 &
  echo $! >/run/wgnode-agent.pid
}
# KillMode=process: what it leaves behind goes on.
stop() {
  runs || return 0
  local own="$(pid)"
  kill "$own"
  while kill -0 "$own" 2>/dev/null; do sleep 0.02; done
}
case "$1" in
  daemon-reload) ;;
  enable) runs || start ;;
  disable) stop ;;
  try-restart) if runs; then stop; start; fi ;;
  is-enabled) echo disabled; exit 1 ;;
  *) echo "systemctl: $*: not known here" >&2; exit 1 ;;
esac
`;

/** Lets a host install packages: /usr and dpkg's records become its own. Its shims stand first on the PATH of \`argv\` commands that name them. */
export async function givePackages(host: LabHost): Promise<void> {
  const unit = await readFile(repositoryPath('agent/systemd/wgnode-agent.service'), 'utf8');
  const set = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1] ?? '';
  const capabilities = set
    .toLowerCase()
    .split(' ')
    .map((capability) => capability.replace('cap_', '+'))
    .join(',');
  await host.mustExec([
    'sh',
    '-ec',
    `mkdir -p ${SHIMS} /run/usr /run/systemd/system && mount -t tmpfs wgnode-usr /run/usr && mkdir /run/usr/upper /run/usr/work
     mount -t overlay wgnode-usr -o lowerdir=/usr,upperdir=/run/usr/upper,workdir=/run/usr/work /usr
     rm /var/lib/dpkg && cp -a /run/wgnode-lab/var-lib/dpkg /var/lib/dpkg`,
  ]);
  await host.writeFile(`${SHIMS}/apt`, APT, 0o755);
  await host.writeFile(`${SHIMS}/systemctl`, systemctl(capabilities), 0o755);
}

#!/bin/sh
# Before a removal; `upgrade` and rpm's 1 are none: the new version restarts the agent.
set -e
case "$1" in upgrade | 1) exit 0 ;; esac
[ -d /run/systemd/system ] || exit 0
systemctl disable --now wgnode-agent.service

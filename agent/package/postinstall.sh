#!/bin/sh
# After an installation or an upgrade. Nothing is started that did not run: see wgnode-agent init.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
# Tunnels outlive the restart: KillMode=process, and the agent takes nothing down when it ends.
systemctl try-restart wgnode-agent.service

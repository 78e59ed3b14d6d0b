#!/bin/sh
# After a removal. Configuration and state go with `purge` alone; the files of tunnels are never touched.
set -e
if [ "$1" = purge ]; then
  rm -rf /etc/wgnode /var/lib/wgnode
fi
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload

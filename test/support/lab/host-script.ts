/**
 * Bash that makes the mounts of one host in a mount namespace of its own, says `ready` and then holds the namespace.
 * /etc, /run and /var/lib become tmpfs, so that nothing a host writes (wg-quick, resolvconf, the agent) reaches the machine's own files.
 */
export const HOST_SCRIPT = `
set -euo pipefail
mount -t tmpfs -o mode=0755 wgnode-run /run
mkdir -p /run/lock /run/wgnode-lab/etc /run/wgnode-lab/var-lib
mkdir -m 0700 /run/wireguard

# A copy, because an overlay would not show what a container binds over files of /etc.
mount -t tmpfs -o mode=0755 wgnode-etc /run/wgnode-lab/etc
cp -a /etc/. /run/wgnode-lab/etc
rm -rf /run/wgnode-lab/etc/wireguard /run/wgnode-lab/etc/wgnode
mkdir -m 0700 /run/wgnode-lab/etc/wireguard /run/wgnode-lab/etc/wgnode
mount --move /run/wgnode-lab/etc /etc

# Links to the real folders, for programs or a checkout that live below /var/lib.
mount --rbind /var/lib /run/wgnode-lab/var-lib
mount -t tmpfs -o mode=0755 wgnode-var-lib /var/lib
for folder in /run/wgnode-lab/var-lib/*; do
  [ "\${folder##*/}" = wgnode ] || ln -s "$folder" /var/lib/
done
mkdir -m 0700 /var/lib/wgnode

echo ready
exec sleep infinity
`;

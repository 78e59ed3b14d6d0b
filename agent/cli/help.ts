import packageFile from '../../package.json' with { type: 'json' };

/** `wgnode-agent --help`. */
export const HELP = `wgnode-agent ${packageFile.version}: manages the WireGuard interfaces of this host for a wgnode controller

Usage: wgnode-agent                    the agent itself; systemd starts it
       wgnode-agent COMMAND [--help]

  init          makes what is missing of certificate, HMAC key and configuration
  renew         makes a new server certificate, which a running agent takes up
  check         looks whether this host can be managed, and says what to do
  enroll        prints the objects of what runs on this host, for kubectl apply
  import        prints the objects of wg-quick files
  status        shows interfaces, drift, peers, the certificate, who asked last
  plan          shows what making an interface as a file says would do
  check-hooks   says of each hook of a file whether it is taken, and why not
  audit         shows who changed what, and the commands that hooks ran

It must run as root. It reads /etc/wgnode/agent.yaml (root, 0600) and the environment, where every key of the file can be set as WGNODE_ and
its name in capitals. An example of the file:

  listen: {host: 0.0.0.0, port: 8443}
  tls: {cert: /etc/wgnode/tls.crt, key: /etc/wgnode/tls.key}
  secrets: ["<output of openssl rand -hex 32>"]
  hooks: grammar          # the default: PreUp, PostUp, PreDown, PostDown of known programs; off takes no new ones, shell any bash line
  allowCommands:          # programs of this host that hooks may run beside iptables, ip, nft, sysctl, ...
    - {path: /etc/wireguard/scripts/nat.sh, args: ["up|down", "%i"]}
  interfaces: [wg0]       # left out: any

A new host, whose WireGuard runs already:
  wgnode-agent init && systemctl enable --now wgnode-agent
  ssh root@fra1 wgnode-agent enroll --all | kubectl apply -f -

Drop-in for the WGDashboard node agent, plain HTTP on port 8080:
  WG_AGENT_SECRET=... wgnode-agent
`;

const OBJECTS = `  -n, --namespace NAME   of the objects; default edge
  --mode MODE            Observe (default): look and report; Enforce: change what differs
  --name NAME            of the host, the beginning of the names of objects; default its host name
`;

/** `wgnode-agent COMMAND --help` */
export const COMMAND_HELP: Readonly<Record<string, string>> = {
  init: `Usage: wgnode-agent init [--name NAME] [--address DNS-NAME|IP ...]

Makes in /etc/wgnode what is not there yet: an authority of this host (ca.crt, ca.key), a server certificate (tls.crt, tls.key), and
agent.yaml with a new HMAC key. Overwrites nothing; says of each file whether it was made or kept.

  --address   by which controllers reach this host; once or more. Default: its name, if it has a domain, and its addresses
  --name      in the certificates; default the host name

Examples:
  wgnode-agent init
  wgnode-agent init --address fra1.example.net --address 203.0.113.7
`,
  renew: `Usage: wgnode-agent renew [--address DNS-NAME|IP ...] [--new-key] [--force]

Makes a new server certificate, signed by the authority of \`init\`, for the same names or for those that are given, and for the same key unless
--new-key says otherwise (spec.agent.tls.spkiSha256 pins it). A running agent takes it up within 10 seconds, and no call fails meanwhile.

Certificates from elsewhere (cert-manager, certbot) are renewed there: the agent sees new files by itself. --force replaces such a one in
/etc/wgnode/tls.crt all the same; controllers must trust /etc/wgnode/ca.crt then.
`,
  check: `Usage: wgnode-agent check

Configuration, certificate, clock, tools, WireGuard, forwarding, firewall, and the files of interfaces: a line each, with what to do.
Exit code 1 where something is in the way, 0 where not.
`,
  enroll: `Usage: wgnode-agent enroll --interface NAME ...|--all [-n NAMESPACE] [--mode Observe|Enforce] [--address DNS-NAME|IP] [--name NAME]

Prints a Secret for the agent, and for each interface a Secret with its private key and a WireGuardNode that says what runs, as YAML. The
agent must run. By the comparison that the controller makes: a first reconcile changes nothing, or a comment says what it would change.
It holds secrets: pass it on, do not store it.

${OBJECTS}  --address ADDRESS      by which controllers reach the agent; default the first name in its certificate that others can reach

Examples:
  ssh root@fra1 wgnode-agent enroll --all | kubectl apply -f -
  wgnode-agent enroll --interface wg0 --namespace vpn --mode Enforce
`,
  import: `Usage: wgnode-agent import FILE ... --address DNS-NAME|IP [-n NAMESPACE] [--mode Observe|Enforce] [--name NAME]

Prints the objects of wg-quick files, as enroll does of a host; the name of a file is that of its interface. What runs is not looked at.
An object is called HOST-INTERFACE; where the interface has other characters than a-z and 0-9 (WG0, wg_0, wg-0) or looks like a hash itself, a
piece of a hash of its name follows.

${OBJECTS}
Example:
  wgnode-agent import wg0.conf wg1.conf --address fra1.example.net | kubectl apply -f -
`,
  status: `Usage: wgnode-agent status [--interface NAME ...] [-o wide]

Interfaces with their peers, drift and for whom they are managed; with -o wide every peer with the age of its handshake. Then the days
that the certificate is good for, and who asked for changes last.
`,
  plan: `Usage: wgnode-agent plan FILE [--interface NAME]

The steps by which the interface would become as the [Interface] part of the file says, and what they do to traffic. Changes nothing.

Example:
  sed 's/^MTU.*/MTU = 1380/' /etc/wireguard/wg0.conf > /root/wg0.conf && wgnode-agent plan /root/wg0.conf
`,
  'check-hooks': `Usage: wgnode-agent check-hooks FILE|-

Says of each hook of a wg-quick file, or of each line of a text, whether \`hooks: grammar\` takes it, and why not; prints the firewall intents
that say the same. Exit code 0 = all are taken, 1 = not all.

Examples:
  wgnode-agent check-hooks /etc/wireguard/wg0.conf
  echo 'iptables -A FORWARD -i %i -j ACCEPT' | wgnode-agent check-hooks -
`,
  audit: `Usage: wgnode-agent audit [--interface NAME] [--since 30m|2h|7d|DATE] [-o table|json]
       wgnode-agent audit verify

Shows who changed what, and every command that a hook ran. verify checks that no line of the log was changed or taken out; exit code
0 = it is whole, 1 = not.

Example:
  wgnode-agent audit --interface wg0 --since 2h
`,
};

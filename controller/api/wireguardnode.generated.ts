// Generated from crds/wireguardnodes.wgnode.dev.yaml by hack/generate-types.ts. Do not edit: change the CRD and run `node hack/generate-types.ts`.
// A field with a default is not optional here, as the API server fills it.

export type SignatureScheme = 'v1';
export type Impact = 'None' | 'Rehandshake' | 'Restart';

/** One WireGuard interface on one host outside the cluster. The controller keeps the host equal to the spec through the agent that runs there, and leaves the peers that the host has as they are. */
export interface WireGuardNode {
  /** Version of the schema. */
  apiVersion: 'wgnode.dev/v1alpha1';
  kind: 'WireGuardNode';
  /** The part of the standard object metadata that we use. */
  metadata: ObjectMeta;
  /** What is wanted. */
  spec: WireGuardNodeSpec;
  /** What was seen and done. Written by the controller only. */
  status: WireGuardNodeStatus;
}

/** The part of the standard object metadata that we use. */
export interface ObjectMeta {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  finalizers?: string[];
}

/** Secret of the same namespace with what is needed to talk to the agent. Keys: hmac-key (required), next-hmac-key (tried where the agent does not take hmac-key, while the two are changed), ca.crt, and tls.crt with tls.key for a client certificate. */
export interface SecretReference {
  /** Name of the Secret. For example fra1-agent */
  name: string;
}

/** How the certificate of the agent is checked. Absent means by the host of the URL and by ca.crt. */
export interface AgentTLS {
  /** Name that the certificate must hold. Absent means the host of the URL. For example fra1.example.net */
  serverName?: string;
  /** Pins: base64 SHA-256 digests of public keys (SPKI), one of which the agent's certificate must have. Absent or empty means no pin; at most 8. For example [GVfxEg2wvPE4TTTvO5kX9sLzCVtWBhV1fYgWDPqxnvY=] */
  spkiSha256?: string[];
}

/** Where the agent of the host is, and how to talk to it. */
export interface AgentSpec {
  /** Address of the agent: https, host and port, without user, path, query or fragment. Plain http is used only if the controller was started with --allow-http-agents. For example https://fra1.example.net:8443 */
  url: string;
  /** Secret of the same namespace with what is needed to talk to the agent. Keys: hmac-key (required), next-hmac-key (tried where the agent does not take hmac-key, while the two are changed), ca.crt, and tls.crt with tls.key for a client certificate. */
  secretRef: SecretReference;
  /** Total time in seconds that one change on the host may take, from 1 to 300. A read is given up after 10 seconds, whatever this says. Default 30. For example 60 */
  timeoutSeconds: number;
  /** The least signature scheme that the controller may use with this agent. There is one, v1, and absent means it, too. For example v1 */
  minSignature?: SignatureScheme;
  /** How the certificate of the agent is checked. Absent means by the host of the URL and by ca.crt. */
  tls?: AgentTLS;
}

/** Key of a Secret of the same namespace that holds the private key, as printed by wg genkey. */
export interface SecretKeyReference {
  /** Name of the Secret. For example fra1-wg0 */
  name: string;
  /** Key within the Secret. Default privateKey. For example privateKey */
  key: string;
}

/** Settings of the type Masquerade, for example {outInterface: eth0}. */
export interface MasqueradeIntent {
  /** Interface by which the packets leave the host. Absent means any but the tunnel. For example eth0 */
  outInterface?: string;
  /** Source addresses or networks. Absent or empty means those of the addresses of the interface and what came through the tunnel; at most 16. For example [10.10.0.0/24] */
  sources?: string[];
}

/** Settings of the type SNAT, for example {outInterface: eth0, toAddress: 192.0.2.7}. */
export interface SNATIntent {
  /** Interface by which the packets leave the host. Absent means any but the tunnel. For example eth0 */
  outInterface?: string;
  /** Source addresses or networks. Absent or empty means those of the addresses of the interface and what came through the tunnel; at most 16. For example [10.10.0.0/24] */
  sources?: string[];
  /** IP address of the host that the packets get as their source. For example 192.0.2.7 */
  toAddress: string;
}

/** Settings of the type Forward, for example {outInterface: eth0, destinations: [10.1.0.0/16], action: Drop}. */
export interface ForwardIntent {
  /** Interface by which the packets come in. Absent means the tunnel, or any where outInterface is the tunnel. For example wg0 */
  inInterface?: string;
  /** Interface by which the packets leave the host. Absent means any. For example eth0 */
  outInterface?: string;
  /** Source addresses or networks. Absent or empty means any; at most 16. For example [10.10.0.0/24] */
  sources?: string[];
  /** Destination addresses or networks. Absent or empty means any; at most 16. For example [192.168.0.0/16] */
  destinations?: string[];
  /** Transport protocol, TCP or UDP. Absent means any. For example TCP */
  protocol?: 'TCP' | 'UDP';
  /** Destination ports. Absent or empty means any; at most 16. For example [443] */
  ports?: number[];
  /** Accept (the default; the answers, too) or Drop. For example Drop */
  action?: 'Accept' | 'Drop';
}

/** Settings of the type PortForward, for example {inInterface: eth0, protocol: TCP, port: 8080, toAddress: 10.7.0.2, toPort: 80, masquerade: true}. */
export interface PortForwardIntent {
  /** Interface by which the packets come in. For example eth0 */
  inInterface: string;
  /** Transport protocol, TCP or UDP. For example TCP */
  protocol: 'TCP' | 'UDP';
  /** Port from 1 to 65535 to which the packets are sent. For example 8080 */
  port: number;
  /** IP address that gets the packets. For example 10.10.0.2 */
  toAddress: string;
  /** Port from 1 to 65535 that gets the packets. Absent means port. For example 80 */
  toPort?: number;
  /** Hides who asked behind the tunnel, so that the answer comes back through it. Absent means false. For example true */
  masquerade?: boolean;
}

/** Settings of the type MSSClamp, for example {mss: 1360}. Absent means to the path MTU. */
export interface MSSClampIntent {
  /** Maximum segment size in bytes, 536 to 65495. Absent means to the path MTU. For example 1360 */
  mss?: number;
}

/** Settings of the type OpenPort, for example {inInterface: wg0, protocol: TCP, ports: [22]}. */
export interface OpenPortIntent {
  /** Interface by which the packets come in. Absent means any. For example eth0 */
  inInterface?: string;
  /** Transport protocol, TCP or UDP. For example UDP */
  protocol: 'TCP' | 'UDP';
  /** Ports of this host, 1 to 16 of them. For example [51820] */
  ports: number[];
  /** Source addresses or networks. Absent or empty means any; at most 16. For example [203.0.113.0/24] */
  sources?: string[];
}

/** Settings of the type KillSwitch, for example {allowedNetworks: [192.168.1.0/24]}. */
export interface KillSwitchIntent {
  /** Networks that are reached beside the tunnel. Absent or empty means none; at most 16. For example [192.168.1.0/24] */
  allowedNetworks?: string[];
}

/** Settings of the type PeerIsolation, for example {except: [10.7.0.53]}. */
export interface PeerIsolationIntent {
  /** Addresses or networks of peers that all peers reach. Absent or empty means none; at most 16. For example [10.10.0.53] */
  except?: string[];
}

/** Settings of the type IPForwarding, for example {families: [IPv4]}. */
export interface IPForwardingIntent {
  /** Families that the host forwards. Absent means both. For example [IPv4] */
  families?: ('IPv4' | 'IPv6')[];
}

/** Settings of the type PolicyRoute, for example {sources: [192.168.9.0/24], table: 77, priority: 7700}. */
export interface PolicyRouteIntent {
  /** Source addresses or networks that are routed so; at most 16. For example [192.168.9.0/24] */
  sources?: string[];
  /** Destination addresses or networks that are routed so; at most 16. For example [10.20.0.0/16] */
  destinations?: string[];
  /** Interface by which the packets come in. Absent means any. For example eth1 */
  inInterface?: string;
  /** Mark of the packets, 1 to 4294967295. Absent means any. For example 77 */
  fwMark?: number;
  /** Table of routes, 1 to 4294967295 but for 253, 254 and 255. For example 77 */
  table: number;
  /** Priority of the rules, 1 to 32765. Absent means before all others. For example 7700 */
  priority?: number;
  /** Whether the table gets a default route through the tunnel. Absent means true. For example false */
  defaultRoute?: boolean;
}

/** One firewall intent, for example {name: nat, type: Masquerade, masquerade: {outInterface: eth0}}. It has the member that type names and no other; MSSClamp, KillSwitch, PeerIsolation and IPForwarding may leave it out. */
export interface FirewallIntent {
  /** Name of the intent, unique in the list, by which plans and drift tell it; lower case letters, digits and dashes. For example nat */
  name: string;
  /** Masquerade and SNAT (hide networks behind an address of the host), Forward (let packets through, or drop them), PortForward (send what comes to a port on), MSSClamp (fit the TCP segment size to the tunnel), OpenPort (take what comes to ports of the host), KillSwitch (let nothing out beside the tunnel; answers, DHCP and neighbour discovery pass), PeerIsolation (keep peers from each other), IPForwarding (make the host forward; stays on) and PolicyRoute (send packets through the tunnel by rule). For example Masquerade */
  type:
    | 'Masquerade'
    | 'SNAT'
    | 'Forward'
    | 'PortForward'
    | 'MSSClamp'
    | 'OpenPort'
    | 'KillSwitch'
    | 'PeerIsolation'
    | 'IPForwarding'
    | 'PolicyRoute';
  /** Settings of the type Masquerade, for example {outInterface: eth0}. */
  masquerade?: MasqueradeIntent;
  /** Settings of the type SNAT, for example {outInterface: eth0, toAddress: 192.0.2.7}. */
  snat?: SNATIntent;
  /** Settings of the type Forward, for example {outInterface: eth0, destinations: [10.1.0.0/16], action: Drop}. */
  forward?: ForwardIntent;
  /** Settings of the type PortForward, for example {inInterface: eth0, protocol: TCP, port: 8080, toAddress: 10.7.0.2, toPort: 80, masquerade: true}. */
  portForward?: PortForwardIntent;
  /** Settings of the type MSSClamp, for example {mss: 1360}. Absent means to the path MTU. */
  mssClamp?: MSSClampIntent;
  /** Settings of the type OpenPort, for example {inInterface: wg0, protocol: TCP, ports: [22]}. */
  openPort?: OpenPortIntent;
  /** Settings of the type KillSwitch, for example {allowedNetworks: [192.168.1.0/24]}. */
  killSwitch?: KillSwitchIntent;
  /** Settings of the type PeerIsolation, for example {except: [10.7.0.53]}. */
  peerIsolation?: PeerIsolationIntent;
  /** Settings of the type IPForwarding, for example {families: [IPv4]}. */
  ipForwarding?: IPForwardingIntent;
  /** Settings of the type PolicyRoute, for example {sources: [192.168.9.0/24], table: 77, priority: 7700}. */
  policyRoute?: PolicyRouteIntent;
}

/** The wanted interface. An optional field that is absent is not in the wg-quick file, so that WireGuard's own default counts. */
export interface InterfaceSpec {
  /** Name of the interface on the host; cannot be changed. 1 to 15 letters, digits, dots, dashes and underscores, a letter or digit first; not all, default, interfaces or help. For example wg0 */
  name: string;
  /** Whether the interface is wanted up or down. Default Up. For example Down */
  state: 'Up' | 'Down';
  /** Key of a Secret of the same namespace that holds the private key, as printed by wg genkey. */
  privateKeySecretRef: SecretKeyReference;
  /** UDP port from 1 to 65535 on which the interface listens. Absent means not in the file; a port that is live is kept. For example 51820 */
  listenPort?: number;
  /** Addresses of the interface, with or without a prefix length; without one it is /32 or /128. Absent or empty means none; at most 64. For example [10.10.0.1/24, "fd00:10::1/64"] */
  addresses?: string[];
  /** MTU of the interface in bytes, from 576 to 65535, and at least 1280 with an IPv6 address. Absent means that wg-quick chooses. For example 1420 */
  mtu?: number;
  /** DNS servers (IP addresses) and search domains of the interface. Absent or empty means none; at most 64. For example [10.10.0.53, corp.example] */
  dns?: string[];
  /** Routing table of the routes to the peers: Auto, None (no routes, wg-quick's off), or a number from 1 to 4294967295. Absent means not in the file, which wg-quick takes as Auto. For example None */
  table?: 'Auto' | 'None' | number;
  /** Mark of the packets that the interface sends, from 1 to 4294967295. Absent means none, or the one that wg-quick chooses for a default route. For example 51820 */
  fwMark?: number;
  /** Commands run before the interface comes up, one a line as in wg-quick; %i is the interface name. The policy of the host decides what is allowed. Absent or empty means none; at most 64. For example ["ip link show eth0"] */
  preUp?: string[];
  /** Commands run after the interface came up, one a line as in wg-quick; %i is the interface name. The policy of the host decides what is allowed. Absent or empty means none; at most 64. For example ["iptables -A FORWARD -i %i -j ACCEPT"] */
  postUp?: string[];
  /** Commands run before the interface goes down, one a line as in wg-quick; %i is the interface name. The policy of the host decides what is allowed. Absent or empty means none; at most 64. For example ["iptables -D FORWARD -i %i -j ACCEPT"] */
  preDown?: string[];
  /** Commands run after the interface went down, one a line as in wg-quick; %i is the interface name. The policy of the host decides what is allowed. Absent or empty means none; at most 64. For example ["logger %i is down"] */
  postDown?: string[];
  /**
   * Typed firewall intents, which the agent compiles into one nftables table of the interface, policy rules and sysctls. Needs an agent of wgnode and nft on the host. Absent or empty means none; at most 64. For example [{name: nat, type: Masquerade, masquerade: {outInterface: eth0}}]
   *
   * Items: One firewall intent, for example {name: nat, type: Masquerade, masquerade: {outInterface: eth0}}. It has the member that type names and no other; MSSClamp, KillSwitch, PeerIsolation and IPForwarding may leave it out.
   */
  firewall?: FirewallIntent[];
}

/** How much the controller may do, and how often it looks. */
export interface ManagementSpec {
  /** Enforce keeps the host equal to the spec. Observe looks, reports and plans, and changes nothing. Default Enforce. For example Observe */
  mode: 'Enforce' | 'Observe';
  /** Greatest impact that a change may have: None (traffic keeps flowing), Rehandshake (peers shake hands anew) or Restart (the interface goes down and up). A plan above it is shown in status and not carried out. Default Restart. For example Rehandshake */
  maxImpact: Impact;
  /** Seconds between two checks of the host when nothing else calls for one, from 5 to 86400. Default 60. For example 30 */
  intervalSeconds: number;
  /** What happens on the host when this object is deleted: Retain leaves everything as it is, Disable takes the interface down, Remove also deletes its file. Disable and Remove act only in mode Enforce and not while suspended; else the host is left as it is. Default Retain. For example Remove */
  deletionPolicy: 'Retain' | 'Disable' | 'Remove';
  /** Seconds that a deletion waits for a host that cannot be reached, from 0 to 86400; then the object goes and the host keeps what it has. Default 300. For example 600 */
  deletionTimeoutSeconds: number;
}

/** What is wanted. */
export interface WireGuardNodeSpec {
  /** Where the agent of the host is, and how to talk to it. */
  agent: AgentSpec;
  /** The wanted interface. An optional field that is absent is not in the wg-quick file, so that WireGuard's own default counts. */
  interface: InterfaceSpec;
  /** How much the controller may do, and how often it looks. */
  management: ManagementSpec;
  /** True means that nothing is sent to the host until it is false again. Deleting the object still works, and leaves the host as it is. Default false. For example true */
  suspend: boolean;
}

/** One statement about the object. */
export interface Condition {
  /** What the condition is about. */
  type: string;
  /** True, False or Unknown. */
  status: 'True' | 'False' | 'Unknown';
  /** Generation of the object that the condition is about. Absent means none yet. */
  observedGeneration?: number;
  /** When the status of the condition last changed. */
  lastTransitionTime: string;
  /** Why, as one word for programs. */
  reason: string;
  /** Why, and what to do, for people. */
  message: string;
}

/** What the agent says of itself. Absent until it was reached. */
export interface AgentStatus {
  /** What the agent is, wgnode-agent or WGDashboard node agent. Absent when it does not say. */
  name?: string;
  /** Version of the agent. Absent when it does not say. */
  version?: string;
  /** Random id of the agent's state directory; another one means that the host was set up anew. */
  epoch?: string;
  /** When the certificate that the agent showed last expires. Absent without TLS. */
  certificateNotAfter?: string;
  /** What the agent can do beyond the basic contract. Absent means nothing more. */
  capabilities?: string[];
  /** What the agent cannot do that wgnode-agent can, in words. Absent means nothing. */
  limits?: string[];
}

/** The interface as it was when the host was last read. Absent until then. */
export interface InterfaceStatus {
  /** Public key of the interface. Absent while it has none. */
  publicKey?: string;
  /** Up, Down (there is a file, no running interface) or Absent (neither). */
  state: 'Up' | 'Down' | 'Absent';
  /** UDP port on which it listens. Absent while it is not up. */
  listenPort?: number;
  /** Its addresses, the first 64. */
  addresses?: string[];
  /** Its MTU in bytes. Absent while it is not up. */
  mtu?: number;
  /** Number of its peers. */
  peerCount?: number;
}

/** The last change that was made and read back. Absent until there was one. */
export interface AppliedStatus {
  /** Generation of the object that was applied. */
  generation?: number;
  /** Hash of the wanted interface that was applied, without its key. */
  specHash?: string;
  /** Public key that belongs to the private key that was applied. */
  publicKey?: string;
  /** URL of the agent to which it was applied. */
  url?: string;
  /** Epoch of the agent to which it was applied. Absent when the agent reports none. */
  epoch?: string;
  /** Digest of the host's state after it, as the agent gives it. */
  digest?: string;
  /** When it was applied. */
  time?: string;
  /** Impact that it had. */
  impact?: Impact;
  /** Milliseconds that the interface was away. Absent when the agent does not say. */
  outageMs?: number;
  /** Why it was made. */
  cause?: 'Created' | 'SpecChanged' | 'SecretChanged' | 'DriftCorrected';
  /** What went wrong on the host without ending the change, as a hook of the old teardown that failed: what it takes back may still be there. Absent means nothing. */
  warnings?: string[];
}

/** One difference. */
export interface DriftEntry {
  /** Field that differs, as a path of the object, for example spec.interface.mtu. */
  path: string;
  /** The wanted value. Absent means that the field is to be unset. */
  desired?: string;
  /** The value in the host's file. Absent means not there. */
  file?: string;
  /** The value in the host's kernel. Absent means not there. */
  live?: string;
  /** Impact of putting it right. */
  impact?: Impact;
}

/** One step. */
export interface PlanStep {
  /** What is done. */
  action: string;
  /** Field for which it is done. Absent when it is not about one field. */
  path?: string;
  /** Impact of the step. */
  impact: Impact;
}

/** What the controller would do. Present only while a plan waits: in mode Observe, or when its impact is above maxImpact. */
export interface PlanStatus {
  /** Greatest impact of its steps. */
  impact: Impact;
  /**
   * Its steps in order, the first 128.
   *
   * Items: One step.
   */
  steps: PlanStep[];
}

/** What was seen and done. Written by the controller only. */
export interface WireGuardNodeStatus {
  /** Generation of the object that this status is about; -1 before the first look. */
  observedGeneration: number;
  /**
   * Ready, Reachable and Synced always; Reconciling, Stalled, Suspended and Contended only while they are true.
   *
   * Items: One statement about the object.
   */
  conditions: Condition[];
  /** What the agent says of itself. Absent until it was reached. */
  agent?: AgentStatus;
  /** The interface as it was when the host was last read. Absent until then. */
  interface?: InterfaceStatus;
  /** The last change that was made and read back. Absent until there was one. */
  applied?: AppliedStatus;
  /**
   * Differences between the spec and the host that still stand, the first 32. A key is only ever shown as its public key. Absent means none.
   *
   * Items: One difference.
   */
  drift?: DriftEntry[];
  /** What the controller would do. Present only while a plan waits: in mode Observe, or when its impact is above maxImpact. */
  plan?: PlanStatus;
  /** The value of the annotation wgnode.dev/reconcile-requested-at that was handled last. Absent means none. */
  lastHandledReconcileRequest?: string;
  /** The value of the annotation wgnode.dev/take-over that was handled last. Absent means none. */
  lastHandledTakeOver?: string;
  /** When a failed attempt will be repeated. Absent when none failed. */
  nextAttemptTime?: string;
  /** How often the attempt has failed in a row. Absent or 0 means not at all. */
  consecutiveFailures?: number;
}

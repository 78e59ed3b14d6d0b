import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from './canary.ts';
import type { LabHost } from './lab/start-host.ts';
import type { Lab } from './lab/start-lab.ts';
import { until } from './until.ts';

/** One host of a fleet with its interface wg0 and the object that manages it. */
export interface Member {
  readonly name: string;
  readonly host: LabHost;
  /** Address in the tunnel network. */
  readonly address: string;
  privateKey: string;
}

/** The part of a WireGuardNode that tests and demo look at. */
export interface NodeView {
  readonly metadata: {
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly generation: number;
    readonly resourceVersion: string;
    readonly finalizers?: string[];
  };
  readonly status: {
    readonly observedGeneration: number;
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
      readonly lastTransitionTime: string;
    }[];
    readonly interface?: {
      readonly state: string;
      readonly publicKey?: string;
      readonly mtu?: number;
      readonly addresses?: string[];
      readonly peerCount?: number;
    };
    readonly applied?: {
      readonly generation: number;
      readonly cause: string;
      readonly impact: string;
      readonly publicKey: string;
      readonly time: string;
      readonly outageMs: number;
    };
    readonly drift?: readonly { readonly path: string }[];
    readonly plan?: { readonly impact: string; readonly steps: readonly { readonly action: string }[] };
    readonly lastHandledReconcileRequest?: string;
  };
}

export const NAMESPACE = 'edge';
export const INTERFACE = 'wg0';
export const PORT = 51_820;
export const MTU = 1420;

/** A comment and a peer section in an unusual letter case: what must survive everything. */
export const KEPT_COMMENT = '# peers of this host are kept by hand';

/** Hosts of a lab whose wg0 already know each other as peers, ready to be managed: files written, agents running, objects not applied. */
export class Fleet {
  readonly lab: Lab;
  readonly members: readonly Member[];

  private constructor(lab: Lab, members: readonly Member[]) {
    this.lab = lab;
    this.members = members;
  }

  static async make(lab: Lab): Promise<Fleet> {
    const members = [...lab.hosts.values()].map((host, index) => ({
      name: host.name,
      host,
      address: `10.77.0.${String(index + 1)}`,
      privateKey: newPrivateKey(),
    }));
    const fleet = new Fleet(lab, members);
    await Promise.all(
      members.map(async (member) => {
        await member.host.writeFile(`/etc/wireguard/${INTERFACE}.conf`, fleet.peersFile(member));
        await member.host.agent.start();
      }),
    );
    await lab.kube.mustKubectl(['create', 'namespace', NAMESPACE]);
    return fleet;
  }

  member(name: string): Member {
    const member = this.members.find((candidate) => candidate.name === name);
    if (member === undefined) throw new Error(`The fleet has no member '${name}'`);
    return member;
  }

  /** The wg-quick file of a host before we manage it: peers and a comment, no interface settings. */
  peersFile(member: Member): string {
    const peers = this.members.filter((other) => other !== member);
    const sections = peers.map((peer) => {
      const key = publicKeyOf(new Secret(peer.privateKey));
      return `[peer]\npublickey = ${key}\nAllowedIPs = ${peer.address}/32\nEndpoint = ${peer.host.address}:${String(PORT)}\n`;
    });
    return `${KEPT_COMMENT}\n${sections.join('\n')}`;
  }

  secrets(member: Member): object[] {
    return [
      this.secret(`${member.name}-agent`, { 'hmac-key': member.host.hmacKey, 'ca.crt': member.host.caPem }),
      this.secret(`${member.name}-wg0`, { privateKey: member.privateKey }),
    ];
  }

  secret(name: string, stringData: Readonly<Record<string, string>>): object {
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, stringData };
  }

  /** The object of a member; `management` and `spec.interface` can be added to. */
  node(
    member: Member,
    { management = {}, interface: extra = {} }: { management?: object; interface?: object } = {},
  ): object {
    return {
      apiVersion: 'wgnode.dev/v1alpha1',
      kind: 'WireGuardNode',
      metadata: { name: member.name, namespace: NAMESPACE },
      spec: {
        agent: { url: member.host.agentUrl, secretRef: { name: `${member.name}-agent` }, minSignature: 'v1' },
        interface: {
          name: INTERFACE,
          privateKeySecretRef: { name: `${member.name}-wg0` },
          listenPort: PORT,
          addresses: [`${member.address}/24`],
          mtu: MTU,
          postUp: ['iptables -w -A FORWARD -i %i -j ACCEPT'],
          preDown: ['iptables -w -D FORWARD -i %i -j ACCEPT'],
          ...extra,
        },
        management: { intervalSeconds: 5, deletionPolicy: 'Remove', ...management },
      },
    };
  }

  /** Applies objects as a user does, with kubectl. */
  async apply(...objects: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await this.lab.kube.mustKubectl(['apply', '--server-side', '-f', '-'], { stdin: JSON.stringify(list) });
  }

  async patch(name: string, patch: object): Promise<void> {
    await this.lab.kube.mustKubectl([
      'patch',
      'wgn',
      name,
      '-n',
      NAMESPACE,
      '--type=merge',
      '-p',
      JSON.stringify(patch),
    ]);
  }

  patchInterface(name: string, patch: object): Promise<void> {
    return this.patch(name, { spec: { interface: patch } });
  }

  /** Asks for a reconcile now and waits until it was answered. */
  async requestReconcile(name: string): Promise<void> {
    const token = `request-${String(process.hrtime.bigint())}`;
    await this.patch(name, { metadata: { annotations: { 'wgnode.dev/reconcile-requested-at': token } } });
    await until(
      `${name} to answer the reconcile request`,
      async () => (await this.view(name)).status.lastHandledReconcileRequest === token,
    );
  }

  async view(name: string): Promise<NodeView> {
    return JSON.parse(await this.lab.kube.mustKubectl(['get', 'wgn', name, '-n', NAMESPACE, '-o', 'json'])) as NodeView;
  }

  /** Waits until the object says `reason` in its condition Ready at its present generation. */
  async untilReason(name: string, reason: string): Promise<NodeView> {
    return until(`${name} to be ${reason}`, async () => {
      const view = await this.view(name);
      const ready = view.status.conditions.find(({ type }) => type === 'Ready');
      const seen = view.status.observedGeneration === view.metadata.generation;
      if (seen && ready?.reason === reason) return view;
      throw new Error(
        `it is ${ready?.reason ?? 'without conditions'} at generation ${String(view.status.observedGeneration)} of ${String(view.metadata.generation)}: ${ready?.message ?? ''}`,
      );
    });
  }

  /**
   * Runs `work` while the object is suspended: nothing is sent to its host meanwhile, so that a host whose changes fail and are tried
   * again can be looked at in several steps. A change that was under way has ended, its undo included: one object is in the hands of
   * one worker, which answers for the change before it sees the suspension. Wait for a reason afterwards.
   */
  async suspended<T>(name: string, work: () => Promise<T>): Promise<T> {
    await this.patch(name, { spec: { suspend: true } });
    try {
      await until(`${name} to be suspended`, async () => {
        const { metadata, status } = await this.view(name);
        const isSuspended = status.conditions.some(
          ({ type, status: value }) => type === 'Suspended' && value === 'True',
        );
        return isSuspended && status.observedGeneration === metadata.generation;
      });
      return await work();
    } finally {
      await this.patch(name, { spec: { suspend: false } });
    }
  }

  /** Whether one single probe through the tunnel is answered; a lost one is never answered, a late one is. */
  async reaches(from: Member, to: Member): Promise<boolean> {
    return (await from.host.exec(['ping', '-c', '1', '-W', '60', to.address])).exitCode === 0;
  }

  /** Waits until the tunnel answers: a first handshake that came before the other side was up is sent again after 5 s only. */
  async untilReaches(from: Member, to: Member): Promise<void> {
    await until(
      `${to.name} to answer ${from.name}`,
      async () => (await from.host.exec(['ping', '-c', '1', '-W', '1', to.address])).exitCode === 0,
    );
  }

  /** The wg-quick file of a member as it is now. */
  file(member: Member): Promise<string> {
    return member.host.readFile(`/etc/wireguard/${INTERFACE}.conf`);
  }
}

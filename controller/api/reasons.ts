import type { RefusalReason, UnreachableReason } from './conditions.ts';

/** What a condition says of an object beyond refusals and of the way to its agent. A shipped word is API. */
export type StateReason =
  | 'AgentUnreachable'
  | 'ApplyFailed'
  | 'Applying'
  | 'Connected'
  | 'Contended'
  | 'Deleting'
  | 'Drifted'
  | 'ImpactNotAllowed'
  | 'InSync'
  | 'LeavingFormerHost'
  | 'NotChecked'
  | 'NotRestored'
  | 'Observed'
  | 'Pending'
  | 'Progressing'
  | 'ProgressingWithRetry'
  | 'Queued'
  | 'Suspended';

/** Every `reason` of a condition that we write. */
export type Reason = RefusalReason | UnreachableReason | StateReason;

/** Every `reason` of an event that we write, beside those of Ready. */
export type HappeningReason =
  | 'Applied'
  | 'Deleted'
  | 'DeletionTimedOut'
  | 'DriftCorrected'
  | 'FormerHostLeft'
  | 'FormerHostReleased'
  | 'KeyRotated'
  | 'Ready'
  | 'Retained'
  | 'TeardownIncomplete';

/** A word for programs, told to a person: plain text in one line each; `NAME` stands for the object. */
export interface Explained {
  readonly meaning: string;
  readonly cure: string;
}

const ITSELF = 'Nothing: it is tried again by itself.';
const WAIT = 'Wait.';
const NOTHING = 'Nothing.';

/** What each reason means, and what to do; the documentation and `kubectl wgnode status` are made from it. */
export const REASONS: Readonly<Record<Reason, Explained>> = {
  InSync: { meaning: "File and kernel are as the spec says, by the agent's own read-back.", cure: NOTHING },
  Observed: {
    meaning:
      'Mode Observe: the host was looked at. Whether it differs says the condition Synced, by what `status.drift`.',
    cure: 'Nothing; to have it made as the spec says: `kubectl wgnode enforce NAME`.',
  },
  Drifted: {
    meaning: 'Mode Observe: the host differs from the spec, as `status.drift` shows.',
    cure: 'See `kubectl wgnode diff NAME`; then change the spec, the host, or `kubectl wgnode enforce NAME`.',
  },
  Connected: { meaning: 'The agent answers, and takes the signature.', cure: NOTHING },
  Pending: {
    meaning: 'No controller has looked at it yet.',
    cure: 'Wait; after a minute see whether a controller runs: `kubectl wgnode check`.',
  },
  NotChecked: {
    meaning: 'Not looked at since the spec was changed.',
    cure: 'Mend what Ready names; it is looked at then.',
  },
  Applying: { meaning: 'A change of the host is under way.', cure: WAIT },
  Progressing: { meaning: 'A change of the host is under way.', cure: WAIT },
  Queued: {
    meaning: 'Changes of other objects of the same host come first, one at a time; this one waits for its turn.',
    cure: 'Wait; an object of the host whose Ready is Applying for long says which change lasts.',
  },
  ProgressingWithRetry: {
    meaning: 'It did not work yet, and is tried again.',
    cure: 'See what Ready and Reachable say.',
  },
  AgentUnreachable: {
    meaning:
      'The agent cannot be talked to for a reason that may pass; the condition Reachable names the step that fails.',
    cure: 'See the reason of Reachable: host, network, agent.',
  },
  DNSFailed: {
    meaning: 'The name in `spec.agent.url` does not resolve.',
    cure: 'Check the name, and the DNS servers that the controller asks (its pod, not your machine).',
  },
  ConnectionRefused: {
    meaning: 'The host answers, but nothing listens at the port of `spec.agent.url`.',
    cure: 'On the host: `systemctl status wgnode-agent`, `journalctl -u wgnode-agent -n 20`; check the port.',
  },
  ConnectionTimeout: {
    meaning: 'The host does not answer in time.',
    cure: 'Check that the host runs, and every firewall between the controller and the port of `spec.agent.url`.',
  },
  TLSFailed: {
    meaning: 'The certificate of the agent is not one that may be trusted: expired, another name, another authority.',
    cure: 'On the host `wgnode-agent status`, then `wgnode-agent renew`; or put the right `ca.crt` into the Secret of `agent.secretRef`.',
  },
  ClockSkew: {
    meaning: 'The clocks of host and controller differ by more than the agent allows; the message has the seconds.',
    cure: 'Set the clock: on the host `timedatectl`, and a time service such as chrony.',
  },
  SignatureRejected: {
    meaning: 'The agent does not take our HMAC key.',
    cure: "Make `hmac-key` of the Secret of `agent.secretRef` that of `secrets` in the host's /etc/wgnode/agent.yaml.",
  },
  AgentError: {
    meaning: 'The agent answers that it cannot do its work now; the message has its error code.',
    cure: 'On the host: `journalctl -u wgnode-agent -n 20`, `wgnode-agent check`.',
  },
  ProtocolError: {
    meaning: 'What answers at the URL does not speak as an agent of ours does.',
    cure: 'Check `spec.agent.url` for the port of another service, and the version of the agent.',
  },
  URLNotAllowed: {
    meaning: 'The controller may not connect to the address of `spec.agent.url`; the message names the rule.',
    cure: 'Use an address that is allowed, or change the flags --allow-agent-cidr and --deny-agent-cidr of the controller.',
  },
  SecretNotFound: {
    meaning: 'A Secret that the spec names is not there.',
    cure: 'Make it in the namespace of the object; it is seen at once. If it is the private key: `kubectl wgnode keygen NAME`.',
  },
  SecretForbidden: {
    meaning: 'The controller may not read a Secret that the spec names.',
    cure: 'Give its service account `get` on Secrets of this namespace.',
  },
  InvalidCredentials: {
    meaning: 'The Secret of `agent.secretRef` holds what cannot be used; the message names the entry.',
    cure: 'Mend that entry; it is seen at once.',
  },
  InvalidKey: {
    meaning: 'The private key is none: 32 bytes in base64, as `wg genkey` makes them.',
    cure: 'Mend the Secret of `interface.privateKeySecretRef`, or make a new key: `kubectl wgnode keygen NAME --replace`.',
  },
  InvalidSpec: {
    meaning: 'The controller refuses a value; the host is untouched.',
    cure: 'The message names the field and what is allowed.',
  },
  Unsupported: {
    meaning: 'This controller or this agent cannot do what a field asks for; nothing is sent.',
    cure: 'The message names the field: leave it out, or upgrade what is too old.',
  },
  InsecureAgent: {
    meaning: 'The agent can be made to do anything by anybody, without a signature; nothing is sent to it.',
    cure: 'The message names the fault: upgrade what the agent is built on, or let wgnode-agent take its place.',
  },
  Conflict: {
    meaning: 'The interface belongs to another object; the message says to which, and since when.',
    cure: 'Delete, suspend or move one of the two. From another cluster: a new value of the annotation wgnode.dev/take-over takes it.',
  },
  FinalizerRefused: {
    meaning:
      'The API server, or a webhook or policy that the message names, does not let the controller write its finalizer.',
    cure: 'Let the controller write `metadata.finalizers`: mend its RBAC, the webhook or the policy; or set `management.deletionPolicy: Retain`, which needs none.',
  },
  ConfigRefused: {
    meaning: 'The agent refuses the values; the host is untouched.',
    cure: 'The message names the value and what is allowed there.',
  },
  HookNotAllowed: {
    meaning: "The host's own policy does not take a hook; the host is untouched.",
    cure: "Use an intent of `interface.firewall`, write the hook as the message says, or allow it in the host's /etc/wgnode/agent.yaml.",
  },
  ImpactNotAllowed: {
    meaning: 'The change does more to traffic than `management.maxImpact` lets it; nothing was changed.',
    cure: 'See `kubectl wgnode plan NAME`; then raise `maxImpact` when it suits you.',
  },
  ApplyFailed: {
    meaning: 'A change failed and was undone: the former tunnel runs.',
    cure: `The message says what failed. ${ITSELF}`,
  },
  NotRestored: {
    meaning: 'A change failed and could not be undone wholly; `status.drift` shows what still differs.',
    cure: 'On the host: `journalctl -u wgnode-agent -n 50`, `wgnode-agent status`. It is tried again by itself.',
  },
  Contended: {
    meaning: 'Somebody else changes the same field back again and again; corrections stopped.',
    cure: 'Find who (on the host: `wgnode-agent audit --since 2h`), end it, then `kubectl wgnode reconcile NAME --wait`.',
  },
  Suspended: {
    meaning: '`spec.suspend` is set: nothing is sent to the host.',
    cure: '`kubectl wgnode resume NAME`, when you want it managed again.',
  },
  LeavingFormerHost: {
    meaning: '`agent.url` names another host now; the former one is left as `deletionPolicy` says, first.',
    cure: 'Wait, at most `deletionTimeoutSeconds`.',
  },
  Deleting: {
    meaning:
      'The deletion waits for the host, until when the message says, or for the finalizers of others that it names.',
    cure: 'See to the host; at the deadline the object is let go anyway. Of finalizers see to who set them.',
  },
};

/** What each event beside those of Ready tells. */
export const HAPPENINGS: Readonly<Record<HappeningReason, Explained>> = {
  Applied: { meaning: 'The interface was set up, or a new spec was applied; proven by read-back.', cure: NOTHING },
  KeyRotated: { meaning: 'A new private key was applied.', cure: 'Give the new public key to the peers.' },
  DriftCorrected: {
    meaning: 'What somebody changed on the host was put right.',
    cure: 'Where it comes again: on the host `wgnode-agent audit --since 2h`.',
  },
  Ready: { meaning: 'It is Ready again.', cure: NOTHING },
  TeardownIncomplete: {
    meaning: 'A hook of the old teardown failed: what it takes back may still be on the host.',
    cure: 'Look for it on the host; the note names the hook.',
  },
  Retained: { meaning: 'The object is gone; its host was left as it was.', cure: NOTHING },
  Deleted: { meaning: 'The object is gone, and the host was changed as `deletionPolicy` says.', cure: NOTHING },
  DeletionTimedOut: {
    meaning: 'The host did not answer until the deadline: the object is gone, the interface may still run.',
    cure: 'Take it down on the host: `wg-quick down NAME`.',
  },
  FormerHostReleased: {
    meaning: 'The host of the former `agent.url` was left as `deletionPolicy` says.',
    cure: NOTHING,
  },
  FormerHostLeft: {
    meaning: 'The host of the former `agent.url` could not be changed as `deletionPolicy` says.',
    cure: 'Take the interface down there by hand.',
  },
};

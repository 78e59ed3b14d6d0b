import type { FlagName } from './arguments.ts';
import { peers, top } from './ask-agents.ts';
import { mode, reconcile, state, suspension } from './change.ts';
import { COMPLETION } from './completion.ts';
import { importCommand } from './import.ts';
import { keygen } from './keygen.ts';
import { check, diff, events, get, plan, status } from './look.ts';
import type { Command } from './session.ts';

const NAMES = 'NAME ... | -l SELECTOR | --all [-A]';
const CHANGE_FLAGS: readonly FlagName[] = ['all-namespaces', 'all', 'selector', 'wait', 'timeout'];
const LOOK_FLAGS: readonly FlagName[] = ['all-namespaces', 'all', 'selector', 'agent-url'];

/** Every command by its name, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  get: {
    usage: 'get [NAME ...] [-A] [-l SELECTOR] [-o wide|json|yaml|name] [-w]',
    summary: 'lists objects, with drift and peers',
    flags: ['all-namespaces', 'selector', 'output', 'watch'],
    outputs: ['wide', 'json', 'yaml', 'name'],
    run: get,
  },
  status: {
    usage: 'status NAME [-o json]',
    most: 1,
    summary: 'says why it is not Ready: the whole way from the object to the peers, and what to do',
    flags: ['output'],
    outputs: ['json'],
    more: 'Exit code 0 when all is well, 1 when not. It says what the controller saw at its last look; handshakes are shown by `peers`.',
    run: status,
  },
  diff: {
    usage: 'diff NAME',
    most: 1,
    summary: 'shows where the host differs from the spec',
    flags: [],
    more: 'Exit code 0: nothing differs, 1: something does, 2: not known.',
    run: diff,
  },
  plan: { usage: 'plan NAME', most: 1, summary: 'shows the change that waits for you', flags: [], run: plan },
  reconcile: {
    usage: `reconcile ${NAMES} [--wait] [--timeout 5m]`,
    summary: 'has the host looked at now, and put right',
    flags: CHANGE_FLAGS,
    more: 'With --wait: until this very request was answered; exit code 1 when it is not Ready then, or not in time.',
    run: reconcile,
  },
  suspend: {
    usage: `suspend ${NAMES} [--wait]`,
    summary: 'sends nothing to the host any more',
    flags: CHANGE_FLAGS,
    run: suspension(true),
  },
  resume: {
    usage: `resume ${NAMES} [--wait]`,
    summary: 'takes that back',
    flags: CHANGE_FLAGS,
    run: suspension(false),
  },
  up: { usage: `up ${NAMES} [--wait]`, summary: 'brings the interface up', flags: CHANGE_FLAGS, run: state('Up') },
  down: {
    usage: `down ${NAMES} [--wait]`,
    summary: 'takes the interface down',
    flags: CHANGE_FLAGS,
    run: state('Down'),
  },
  enforce: {
    usage: `enforce ${NAMES} [--wait]`,
    summary: 'has the host made as the spec says',
    flags: CHANGE_FLAGS,
    run: mode('Enforce'),
  },
  observe: {
    usage: `observe ${NAMES} [--wait]`,
    summary: 'only looks and reports',
    flags: CHANGE_FLAGS,
    run: mode('Observe'),
  },
  peers: {
    usage: `peers ${NAMES} [-o json] [--agent-url URL]`,
    summary: 'shows peers with their handshakes, asked from the agents',
    flags: [...LOOK_FLAGS, 'output'],
    outputs: ['json'],
    more: `Asks the agents from here, signed with their Secrets: you need get on these, and a way to the host. Where only the controller
reaches it: ssh -L 8443:localhost:8443 root@HOST, and --agent-url https://127.0.0.1:8443; its certificate is checked all the same.`,
    run: peers,
  },
  top: {
    usage: `top ${NAMES} [--agent-url URL]`,
    summary: 'shows traffic and active peers, the busiest host first',
    flags: LOOK_FLAGS,
    more: 'Two looks, two seconds apart; asked as `peers` asks.',
    run: top,
  },
  events: {
    usage: 'events [NAME] [-A]',
    most: 1,
    summary: 'shows what happened, the newest last',
    flags: ['all-namespaces'],
    run: events,
  },
  keygen: {
    usage: 'keygen NAME [--replace]',
    most: 1,
    summary: 'makes a private key in the Secret that the object names, and prints its public key',
    flags: ['replace'],
    more: 'The private key goes from here to the API server, and nowhere else. --replace rotates a key that is there already.',
    run: keygen,
  },
  import: {
    usage:
      'import FILE ... --address HOST[:PORT] [-n NAMESPACE] [--mode Observe|Enforce] [--name HOST] | kubectl apply -f -',
    summary: 'prints the objects of wg-quick files',
    more: 'Their namespace is edge, if -n names no other. The output holds private keys, and is not shown on a terminal.',
    flags: ['address', 'mode', 'name'],
    run: { alone: importCommand },
  },
  check: {
    usage: 'check [-A]',
    most: 0,
    summary: 'looks at the cluster: API server, CRD, your rights, controller, objects',
    flags: ['all-namespaces'],
    more: 'Exit code 1 where something is in the way.',
    run: check,
  },
  completion: {
    usage: 'completion > /usr/local/bin/kubectl_complete-wgnode && chmod +x /usr/local/bin/kubectl_complete-wgnode',
    most: 0,
    summary: 'prints the program by which kubectl completes commands and names',
    flags: [],
    run: {
      alone: ({ terminal }) => {
        terminal.print(COMPLETION);
        return Promise.resolve(0);
      },
    },
  },
};

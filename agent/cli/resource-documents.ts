import { createHash } from 'node:crypto';
import { dump } from 'js-yaml';
import { compare, NAME_PATH, type Difference, type ObservedInterface } from '../protocol/compare.ts';
import type { WireDrift } from '../protocol/messages.ts';
import { redactKeys } from '../protocol/redact.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { configFromResource, resourceFrom } from '../protocol/wgquick/resource.ts';
import { CommandError } from './command-error.ts';
import { yamlComment } from './yaml-comment.ts';

/** One object to print, and what people must know of it. */
export interface ResourceDocument {
  readonly comments: readonly string[];
  readonly object: object;
}

/** Where the objects of a host go, and what they are called. */
export interface Naming {
  readonly namespace: string;
  /** As `hostName` makes it: the beginning of every name. */
  readonly host: string;
  readonly mode: 'Observe' | 'Enforce';
  /** `https://HOST:PORT` */
  readonly url: string;
}

/** An interface that shall become an object. */
export interface Source {
  readonly name: string;
  readonly file: InterfaceConfig;
  readonly state: 'up' | 'down';
  /** As the agent tells of it; null = only the file is known. */
  readonly observed: ObservedInterface | null;
  /** Where file and kernel differ already. */
  readonly drift: readonly WireDrift[];
  /** Lines that the agent keeps and nobody can ask for. */
  readonly remarks: readonly string[];
}

/** The CRD takes 63: a host, an interface of 15 characters, and a piece of a hash behind it. */
const MAX_HOST = 38;
/** Of characters in hex. */
const HASH_LENGTH = 6;
const HASH = new RegExp(`^[0-9a-f]{${String(HASH_LENGTH)}}$`);

/** Lower case letters, digits and hyphens, as the API server takes names (RFC 1123): other texts may give the same one. */
const plainName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);

/** What stands for a host in the names of its objects. Hosts that differ only behind the end have different ones. Throws CommandError. */
export function hostName(text: string): string {
  const name = plainName(text);
  if (name === '')
    throw new CommandError(`The host's name ${JSON.stringify(text)} has no letter or digit of a-z, 0-9: give --name`);
  if (name.length <= MAX_HOST) return name;
  return `${name.slice(0, MAX_HOST - HASH_LENGTH - 1).replace(/-+$/, '')}-${hashOf(name)}`;
}

/**
 * The name of an interface's object: of these two alone, so that another run, with other interfaces, never takes the object of one for
 * that of another. `WG0` and `wg_0` are not `wg0`, which API servers cannot tell by their names, and `fra1` with `a-wg0` is not `fra1-a`
 * with `wg0`: their hash tells them. So what stands behind the last hyphen is either the whole interface or a hash, and no interface of
 * the look of a hash goes without one.
 */
function nodeName(host: string, name: string): string {
  const isPlain = /^[a-z0-9]+$/.test(name) && !HASH.test(name);
  return isPlain ? `${host}-${name}` : `${host}-${plainName(name)}-${hashOf(name)}`;
}

const agentName = (host: string): string => `${host}-agent`;

/** The Secret by which a controller reaches the agent. */
export function agentSecret(
  { namespace, host }: Naming,
  { hmacKey, ca }: { readonly hmacKey: string; readonly ca: string | null },
): ResourceDocument {
  const missing = [
    'without ca.crt the controller goes by the authorities of its own system; put that of the agent here if it is none of them',
  ];
  return {
    comments: ca === null ? missing : [],
    object: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: agentName(host), namespace },
      type: 'Opaque',
      stringData: { 'hmac-key': hmacKey, ...(ca === null ? {} : { 'ca.crt': ca }) },
    },
  };
}

/** The objects of interfaces. Throws CommandError for an interface that is given twice: one object cannot be of both. */
export function documentsOf(naming: Naming, sources: readonly Source[]): ResourceDocument[] {
  const twice = sources.find(({ name }, index) => sources.findIndex((other) => other.name === name) < index);
  if (twice !== undefined)
    throw new CommandError(
      `The interface ${twice.name} is given twice, and has one object: leave one out, or give files of other hosts to another import with another --name`,
    );
  return sources.flatMap((source) => interfaceDocuments(naming, source));
}

/** The Secret of the interface's private key and its WireGuardNode, with a word on all that the object would change. */
function interfaceDocuments({ namespace, host, mode, url }: Naming, source: Source): ResourceDocument[] {
  const { name, file, state } = source;
  const own = nodeName(host, name);
  const { fields, problems } = resourceFrom(file);
  const metadata = { name: own, namespace };
  const key = file.privateKey?.privateKey?.reveal();
  const secretName = `${own}-key`;
  const secret: ResourceDocument = {
    comments: [],
    object: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName, namespace },
      type: 'Opaque',
      stringData: { privateKey: key ?? '' },
    },
  };
  const object = {
    apiVersion: 'wgnode.dev/v1alpha1',
    kind: 'WireGuardNode',
    metadata,
    spec: {
      agent: { url, secretRef: { name: agentName(host) } },
      interface: {
        name,
        state: state === 'up' ? 'Up' : 'Down',
        privateKeySecretRef: { name: secretName },
        ...fields,
      },
      management: { mode },
    },
  };
  const wanted = configFromResource(fields, key);
  const comments = [
    ...(key === undefined ? [`${name}: the file has no private key: make the Secret ${secretName} by hand`] : []),
    ...problems.map(({ path, message }) => `cannot be said: ${path} ${redactKeys(message)}`),
    ...changesOf(wanted, source).map(changeText),
    ...source.remarks,
  ];
  return [...(key === undefined ? [] : [secret]), { comments, object }];
}

/** What the first reconcile would find different, by the comparison that the controller makes. */
function changesOf(wanted: InterfaceConfig, { file, state, observed, drift }: Source): Difference[] {
  const seen = observed ?? { file, device: null, running: null, settled: [] };
  // Whether a file that is only a file runs, nobody knows.
  const desired = { config: wanted, state: observed === null ? ('down' as const) : state };
  const own = compare(desired, seen).filter(({ path }) => path !== NAME_PATH);
  const known = new Set(own.map(({ path }) => path));
  const reported = state === 'up' ? drift.filter(({ path }) => !known.has(path)) : [];
  return [...own, ...reported.map(({ path, file: text, live }) => ({ path, desired: text, file: text, live }))];
}

const shown = (text: string): string => (text === '' ? 'nothing' : redactKeys(text));

const changeText = ({ path, desired, file, live }: Difference): string =>
  `would change: ${path} to ${shown(desired)}; the file has ${shown(file)}, the kernel ${shown(live)}`;

/** Documents of YAML, each with its comments before it. */
export const yamlOf = (documents: readonly ResourceDocument[]): string =>
  documents
    .map(
      ({ comments, object }) =>
        `---\n${comments.map(yamlComment).join('')}${dump(object, { lineWidth: -1, noRefs: true })}`,
    )
    .join('');

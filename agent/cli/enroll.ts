import type { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import { readText } from '../host/config-files.ts';
import { certificateIn, readCertificate, readPem } from '../http/tls-files.ts';
import { INTERFACE_NAME_RULE, isInterfaceName } from '../protocol/interface-name.ts';
import type { ConfigResponse } from '../protocol/messages.ts';
import { observedFrom } from '../protocol/observed.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import type { AgentSettings, TlsFiles } from '../settings.ts';
import { isReachable, namesOf } from './certificate-names.ts';
import { CommandError } from './command-error.ts';
import { checkPlace, type EnrollOptions, remarksOf, withMarkedKeys, withPort } from './import-files.ts';
import { type LocalAgent, Refusal } from './local-agent.ts';
import { agentSecret, documentsOf, type Naming, hostName, type Source, yamlOf } from './resource-documents.ts';
import { yamlComment } from './yaml-comment.ts';

/** The Secrets and WireGuardNodes of what this host has, as YAML. Changes nothing. Throws CommandError. */
export async function enroll(
  { settings, agent, configFolder }: { settings: AgentSettings; agent: LocalAgent; configFolder: string },
  options: EnrollOptions,
): Promise<string> {
  const naming = namingOf(settings, options);
  const names = options.interfaces ?? (await interfacesOf(configFolder, settings));
  if (names.length === 0) throw new CommandError(`There is no interface to enroll: ${configFolder} has no *.conf`);
  const all = await Promise.all(
    names.map((name) =>
      sourceOf(name, agent, configFolder).catch((error: unknown) => {
        // One file that cannot be read is no reason to leave the others.
        if (options.interfaces !== null || !(error instanceof Refusal || error instanceof AgentError)) throw error;
        return { name, why: error.message };
      }),
    ),
  );
  const found = all.filter((each) => 'source' in each);
  const refused = [
    ...all.filter((each) => 'why' in each),
    ...(options.interfaces === null ? await misnamedIn(configFolder) : []),
  ];
  // Who asks for all asks for those that nobody manages: the objects of the others would be set back.
  const isLeft = ({ owner }: Found): boolean => options.interfaces === null && owner !== null;
  const left = found
    .filter(isLeft)
    .map(({ source, owner }) => yamlComment(`${source.name} is left out: it is managed for ${owner ?? ''}`));
  const sources = found.filter((each) => !isLeft(each)).map(({ source }) => source);
  const unread = refused.map(({ name, why }) => yamlComment(`${name} is left out: ${why}`));
  const [secret] = settings.secrets;
  const hmacKey = secret?.reveal() ?? '';
  const documents = [agentSecret(naming, { hmacKey, ca: authorityOf(settings.tls) }), ...documentsOf(naming, sources)];
  return `${[...left, ...unread].join('')}${yamlOf(documents)}`;
}

/** An interface, and the object that it is managed for already; null = none. */
interface Found {
  readonly source: Source;
  readonly owner: string | null;
}

async function sourceOf(name: string, agent: LocalAgent, configFolder: string): Promise<Found> {
  if (!isInterfaceName(name)) throw new CommandError(`'${name}' is no name of an interface`);
  const response = await agent.get<ConfigResponse>(`/v1/wg/${name}/config`);
  const path = join(configFolder, `${name}.conf`);
  if (response === null) throw new CommandError(`There is no interface ${name}: neither ${path} nor a device`);
  // The agent tells of a key its public half alone.
  const text = await readText(path);
  const file = withMarkedKeys(interfaceOf(parseDocument(text ?? '')));
  const remarks = [
    ...(text === null ? [] : remarksOf(text)),
    ...(response.live === null ? [`${name} is down: spec.interface.state is Down, as it is now`] : []),
  ];
  const state = response.live === null ? 'down' : 'up';
  const source: Source = { name, file, state, observed: observedFrom(response), drift: response.drift, remarks };
  return { source, owner: response.owner?.name ?? null };
}

/** Names of the files in the folder of wg-quick(8) that the host lets be managed. */
export async function interfacesOf(folder: string, { interfaces }: AgentSettings): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files
    .filter((file) => file.endsWith('.conf'))
    .map((file) => file.slice(0, -'.conf'.length))
    .filter((name) => isInterfaceName(name) && (interfaces === null || interfaces.includes(name)))
    .sort();
}

/** Files that wg-quick(8) takes, and whose names we do not. */
async function misnamedIn(folder: string): Promise<{ readonly name: string; readonly why: string }[]> {
  const files = await readdir(folder).catch(() => []);
  return files
    .filter((file) => file.endsWith('.conf'))
    .map((file) => file.slice(0, -'.conf'.length))
    .filter((name) => !isInterfaceName(name))
    .sort()
    .map((name) => ({ name, why: `the name ${INTERFACE_NAME_RULE}` }));
}

function namingOf(settings: AgentSettings, { namespace, mode, address, name }: EnrollOptions): Naming {
  if (address !== null) checkPlace(address);
  const place = address ?? placeOf(settings.tls, hostname());
  const scheme = settings.tls === null ? 'http' : 'https';
  return {
    namespace,
    mode,
    host: hostName(name ?? ownName(hostname())),
    url: `${scheme}://${withPort(place, settings.port)}`,
  };
}

/** Throws CommandError for the name that hosts have which were given none: objects of one would take those of another. */
function ownName(host: string): string {
  const name = host.replace(/\..*$/, '');
  if (name === 'localhost') throw new CommandError('This host is called localhost, as others are: give --name');
  return name;
}

/**
 * By what controllers reach the agent: the first name or address in the certificate that may be reached from elsewhere, or the name of the
 * host where the certificate is for it, as one with a wildcard may be. Throws CommandError: a URL that nothing reaches helps nobody.
 */
export function placeOf(tls: TlsFiles | null, host: string): string {
  if (tls === null) {
    if (isReachable(host)) return host;
    throw new CommandError(`This host is called ${host}, by which nobody else reaches it: give --address DNS-NAME|IP`);
  }
  const certificate = readCertificate(tls.cert);
  const names = namesOf(certificate);
  const place = names.find(isReachable) ?? (isReachable(host) ? certificate.checkHost(host) && host : undefined);
  if (place !== undefined) return place;
  throw new CommandError(
    `${tls.cert} is for ${names.length === 0 ? 'no name' : names.join(', ')}, by which nobody else reaches this host: give --address DNS-NAME|IP`,
  );
}

/** The certificate that controllers check the agent's by: that of `init`, of cert-manager's layout, or the last of the chain. */
function authorityOf(tls: TlsFiles | null): string | null {
  if (tls === null) return null;
  const own = readPem('tls.cert', tls.cert).toString('utf8');
  const chain = own.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];
  const beside = join(dirname(tls.cert), 'ca.crt');
  const end = chain.slice(-1).map((pem) => ({ name: 'tls.cert', path: tls.cert, pem }));
  const candidates = [
    ...(existsSync(beside) ? [{ name: 'ca.crt', path: beside, pem: readPem('ca.crt', beside).toString('utf8') }] : []),
    ...end,
  ];
  const [last] = end.map(certificateOf);
  if (last === undefined) return null;
  const found = candidates.find((candidate) => {
    const authority = certificateOf(candidate);
    return last.checkIssued(authority) && last.verify(authority.publicKey);
  });
  return found?.pem ?? null;
}

const certificateOf = ({
  name,
  path,
  pem,
}: {
  readonly name: string;
  readonly path: string;
  readonly pem: string;
}): X509Certificate => certificateIn(name, path, pem);

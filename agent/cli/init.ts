import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { replaceFile } from '../host/config-files.ts';
import type { CommandRunner } from '../host/command-runner.ts';
import { CA_DAYS, issue, makeAuthority, newKey, paths, readAuthority, SERVER_DAYS } from './authority.ts';
import { checkName, isReachable } from './certificate-names.ts';
import { CommandError } from './command-error.ts';

/** What `init` takes; empty = what the host knows of itself. */
export interface InitOptions {
  readonly name: string | null;
  /** DNS names and addresses that the certificate is for. */
  readonly addresses: readonly string[];
}

/** Makes what is missing of CA, server certificate, HMAC key and agent.yaml; overwrites nothing. Returns what it did, a line a file. */
export async function init(folder: string, runner: CommandRunner, options: InitOptions): Promise<string[]> {
  const { caCert, caKey, cert, key, config } = paths(folder);
  const name = options.name ?? hostname();
  const addresses = options.addresses.length > 0 ? options.addresses : ownAddresses();
  addresses.forEach(checkName);
  // Not with its parents: of a read-only file system Node would say then that there is no such folder.
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  if (existsSync(cert) !== existsSync(key))
    throw new CommandError(
      `Of ${cert} and ${key} one is missing: put it back, or take the other away to have both made`,
    );
  if (!existsSync(cert) && existsSync(caCert) !== existsSync(caKey))
    throw new CommandError(
      `Of ${caCert} and ${caKey} one is missing: put it back, or take the other away to have both made`,
    );
  const done: string[] = [];
  const kept = (path: string): void => void done.push(`kept     ${path}`);
  const made = (path: string, what: string): void => void done.push(`made     ${path.padEnd(28)} ${what}`);
  if (existsSync(cert)) {
    kept(cert);
    kept(key);
  } else {
    if (existsSync(caCert)) {
      readAuthority(folder);
      kept(caCert);
    } else {
      await makeAuthority(folder, runner, name);
      made(caCert, `authority of this host alone, ${String(CA_DAYS)} days`);
      made(caKey, 'its key; it signs renewals, and never leaves the host');
    }
    await issue(folder, runner, { name, addresses, key: newKey() });
    made(cert, `for ${addresses.join(', ')}, ${String(SERVER_DAYS)} days`);
    made(key, 'its key');
  }
  if (existsSync(config)) kept(config);
  else {
    await replaceFile(config, configText(cert, key, hasIpv6() ? "'::'" : '0.0.0.0'), 'ever');
    made(config, 'the configuration, with a new HMAC key');
  }
  return done;
}

/** The name of the host, if it has a domain, and its addresses, without those of loopback, links and bridges of containers. */
function ownAddresses(): string[] {
  const own = Object.entries(networkInterfaces())
    .filter(([device]) => !/^(lo|docker|br-|veth|virbr|cni|flannel|wg)/.test(device))
    .flatMap(([, list]) => list ?? [])
    .map(({ address }) => address);
  const name = hostname();
  const all = [...(name.includes('.') ? [name] : []), ...own].filter(isReachable);
  if (all.length === 0) throw new CommandError('This host knows no address of its own: give --address DNS-NAME|IP');
  return all;
}

/** Where there is no IPv6 at all, nobody can listen at its any-address, which takes IPv4, too. */
const hasIpv6 = (): boolean =>
  Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));

const configText = (
  cert: string,
  key: string,
  host: string,
): string => `# The host's own policy: what no controller can change. See wgnode-agent --help, and man wgnode-agent.
listen: {host: ${host}, port: 8443}
tls: {cert: ${cert}, key: ${key}}
# Whoever has one of these may change the interfaces of this host. Two, while they are changed: the next one first here, then in the Secret.
secrets:
  - ${randomBytes(32).toString('hex')}
hooks: grammar
# For Prometheus on this host, and whoever else is on it: http://127.0.0.1:9586/metrics. From elsewhere: host: 0.0.0.0, tokenFile: /etc/wgnode/metrics-token
# metrics: {port: 9586}
`;

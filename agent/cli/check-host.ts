import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../host/config-files.ts';
import { failureText } from '../protocol/failure-text.ts';
import { isBootUnitEnabled } from '../host/boot-unit.ts';
import { isOpenresolv } from '../host/openresolv.ts';
import { readKernelFile } from '../host/kernel-file.ts';
import { PROGRAM_FOLDERS, type CommandRunner } from '../host/command-runner.ts';
import { isInterfaceName } from '../protocol/interface-name.ts';
import { interfaceOf, parseDocument, savesConfig } from '../protocol/wgquick/document.ts';
import { HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { readTls } from '../http/tls-files.ts';
import { type AgentSettings, SettingsError } from '../settings.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'failed';
  readonly what: string;
  readonly text: string;
}

const ok = (what: string, text: string): Finding => ({ level: 'ok', what, text });
const warning = (what: string, text: string): Finding => ({ level: 'warning', what, text });
const failed = (what: string, text: string): Finding => ({ level: 'failed', what, text });

const DAY_MS = 86_400_000;
const WARN_DAYS = 14;
const RENEW = 'renew it (wgnode-agent renew, where init made it)';

/** What `check` looks at; changes nothing. */
export interface HostFacts {
  readonly runner: CommandRunner;
  readonly configFolder: string;
  /** Or why there are none. */
  readonly settings: AgentSettings | SettingsError;
  readonly nowMs: number;
}

/** Whether this host can be managed, each finding with what to do. */
export async function checkHost(facts: HostFacts): Promise<Finding[]> {
  const { configs, unread } = await configsIn(facts.configFolder);
  return [
    settingsFinding(facts),
    ...certificateFindings(facts),
    await clockFinding(facts.runner),
    ...toolFindings(),
    wireguardFinding(),
    ...forwardingFindings(configs),
    await firewallFinding(facts.runner),
    ...resolverFinding(configs),
    ...unread,
    ...interfaceFindings(configs),
  ];
}

/** A line a finding, the failed ones with what to do. Exit code 1 = one failed. */
export const findingsText = (findings: readonly Finding[]): string =>
  findings.map(({ level, what, text }) => `${level.padEnd(8)} ${what.padEnd(20)} ${text}\n`).join('');

const settingsFinding = ({ settings }: HostFacts): Finding =>
  settings instanceof SettingsError
    ? failed('configuration', settings.message)
    : ok('configuration', `listens at ${settings.host}:${String(settings.port)}, hooks: ${settings.hooks.mode}`);

function certificateFindings({ settings, nowMs }: HostFacts): Finding[] {
  if (settings instanceof SettingsError) return [];
  if (settings.tls === null)
    return [warning('certificate', 'none: keys travel in clear; set tls, or see to a TLS proxy')];
  const { cert } = settings.tls;
  try {
    // As the agent does at its start.
    readTls(settings.tls);
    const { validToDate } = new X509Certificate(readFileSync(cert));
    const days = Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
    if (days < 0) return [failed('certificate', `${cert} has expired: ${RENEW}`)];
    if (days < WARN_DAYS) return [warning('certificate', `${String(days)} days left: ${RENEW}`)];
    return [ok('certificate', `${String(days)} days left`)];
  } catch (error) {
    if (error instanceof SettingsError) return [failed('certificate', error.message)];
    throw error;
  }
}

async function clockFinding(runner: CommandRunner): Promise<Finding> {
  const hint = 'requests with a clock that is 300 s off are refused; enable systemd-timesyncd or chrony';
  const result = await runner.run('timedatectl', ['show', '--property=NTPSynchronized', '--value']).catch(() => null);
  if (result?.exitCode !== 0) return warning('clock', `nobody here says whether it is synchronised: ${hint}`);
  return result.stdout.trim() === 'yes' ? ok('clock', 'synchronised') : warning('clock', `not synchronised: ${hint}`);
}

const has = (program: string): boolean => PROGRAM_FOLDERS.some((folder) => existsSync(join(folder, program)));

const TOOLS = [
  ['wg', 'wireguard-tools'],
  ['ip', 'iproute2'],
] as const;

const toolFindings = (): Finding[] =>
  TOOLS.map(([program, source]) =>
    has(program) ? ok(program, 'installed') : failed(program, `missing: install ${source}`),
  );

const EXAMPLES = '/usr/share/doc/wgnode-agent/examples';
const hasDropIn = (name: string): boolean => existsSync(`/etc/systemd/system/wgnode-agent.service.d/${name}.conf`);

function wireguardFinding(): Finding {
  if (existsSync('/sys/module/wireguard')) return ok('wireguard', 'in the kernel');
  const release = readKernelFile('/proc/sys/kernel/osrelease')?.trim() ?? '';
  const modules = `/lib/modules/${release}`;
  const lists = ['modules.dep', 'modules.builtin'].map((file) => join(modules, file)).filter(existsSync);
  if (lists.some((file) => readFileSync(file, 'latin1').includes('/wireguard.ko')))
    return ok('wireguard', 'a module of this kernel');
  if (!has('wireguard-go'))
    return failed('wireguard', 'neither a module of this kernel nor wireguard-go: install one of them');
  return existsSync('/dev/net/tun') && hasDropIn('wireguard-go')
    ? ok('wireguard', 'by wireguard-go')
    : warning('wireguard', `by wireguard-go, for which the unit needs its drop-in: see ${EXAMPLES}/wireguard-go.conf`);
}

/** Of use to hosts that pass traffic on; for others it is no fault. */
function forwardingFindings(configs: readonly Config[]): Finding[] {
  const families = [
    ['IPv4', '/proc/sys/net/ipv4/ip_forward', 'net.ipv4.ip_forward', /^\d+\./],
    ['IPv6', '/proc/sys/net/ipv6/conf/all/forwarding', 'net.ipv6.conf.all.forwarding', /:/],
  ] as const;
  const addresses = configs.flatMap(({ text }) => interfaceOf(parseDocument(text)).addresses);
  return families
    .filter(([, , , pattern]) => addresses.some((address) => pattern.test(address)))
    .map(([family, path, name]) =>
      readKernelFile(path)?.trim() === '1'
        ? ok(`forwarding ${family}`, 'on')
        : warning(`forwarding ${family}`, `off: a gateway needs ${name}=1, or the intent IPForwarding`),
    );
}

async function firewallFinding(runner: CommandRunner): Promise<Finding> {
  const version = await runner.run('iptables', ['--version']).catch(() => null);
  const legacy = version?.stdout.includes('legacy') === true;
  if (!has('nft')) return warning('firewall', 'no nft: spec.interface.firewall cannot be served; install nftables');
  return legacy
    ? warning(
        'firewall',
        `nft, and iptables-legacy: looked at every 30 s only; its modules need ${EXAMPLES}/iptables-legacy.conf`,
      )
    : ok('firewall', version === null ? 'nft' : 'nft, and iptables by it');
}

/** Only where a file asks for DNS. */
function resolverFinding(configs: readonly Config[]): Finding[] {
  const hasDns = configs.some(({ text }) => interfaceOf(parseDocument(text)).dns.length > 0);
  if (!hasDns) return [];
  if (!has('resolvconf')) return [failed('resolvconf', 'missing, and a file has DNS: install openresolv')];
  return !isOpenresolv() || hasDropIn('openresolv')
    ? [ok('resolvconf', 'installed')]
    : [warning('resolvconf', `openresolv, for which the unit needs its drop-in: see ${EXAMPLES}/openresolv.conf`)];
}

interface Config {
  readonly name: string;
  readonly text: string;
}

interface Configs {
  readonly configs: readonly Config[];
  /** Of files that the agent does not read either. */
  readonly unread: readonly Finding[];
}

async function configsIn(folder: string): Promise<Configs> {
  if (!existsSync(folder)) return { configs: [], unread: [] };
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.conf'))
    .map((file) => file.slice(0, -'.conf'.length))
    .filter(isInterfaceName)
    .sort();
  const configs: Config[] = [];
  const unread: Finding[] = [];
  for (const name of names) {
    try {
      const text = await readText(join(folder, `${name}.conf`));
      if (text !== null) configs.push({ name, text });
    } catch (error) {
      unread.push(warning(`${name} file`, `${failureText(error)}: the agent cannot manage ${name}`));
    }
  }
  return { configs, unread };
}

/** ProtectHome=yes: a hook finds nothing there when the agent runs it. */
const AT_HOME = /(^|[\s'"=(<>])(\/root|\/home|~)\//;

function interfaceFindings(configs: readonly Config[]): Finding[] {
  const findings: Finding[] = [];
  for (const { name, text } of configs) {
    const document = parseDocument(text);
    if (savesConfig(document))
      findings.push(warning(`${name} SaveConfig`, 'true: wg-quick down writes over the file; take the line out'));
    const own = interfaceOf(document);
    if (HOOK_NAMES.some((list) => own[list].some((hook) => AT_HOME.test(hook))))
      findings.push(
        warning(
          `${name} hooks`,
          'name a file below /root or /home, which the unit of the agent does not see: move it to /etc/wireguard',
        ),
      );
    if (isBootUnitEnabled(name))
      findings.push(
        warning(
          `${name} boot unit`,
          `wg-quick@${name} brings it up at boot, before the agent, which leaves it running; once it is managed: systemctl disable wg-quick@${name}`,
        ),
      );
  }
  return findings;
}

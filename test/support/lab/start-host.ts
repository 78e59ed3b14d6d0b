import { newSecretText } from '../canary.ts';
import { readFile } from 'node:fs/promises';
import type { CertificateAuthority } from './certificate-authority.ts';
import { labEnvironment } from './environment.ts';
import { holdNamespaces } from './hold-namespaces.ts';
import { LabAgent } from './lab-agent.ts';
import type { LabNames } from './lab-names.ts';
import { type Pinger, startPinger } from './pinger.ts';
import { outputOf, run, type RunResult } from './run.ts';

/** A machine of its own as far as network, /etc, /run and /var/lib go. */
export interface LabHost {
  readonly name: string;
  /** Its IPv4 address on the management network. */
  readonly address: string;
  readonly agentUrl: string;
  /** The agent's secret for signing requests. */
  readonly hmacKey: string;
  /** CA of the agent's certificate. */
  readonly caPem: string;
  readonly agent: LabAgent;
  /** Runs a command in the host, in `/`. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<RunResult>;
  /** As `exec`; throws when it fails, and returns what it printed. */
  mustExec(argv: readonly string[], options?: ExecOptions): Promise<string>;
  /** The argv that runs a command in the host, for callers that start processes themselves. */
  argvFor(argv: readonly string[]): string[];
  readFile(path: string): Promise<string>;
  /** Default mode 0600. */
  writeFile(path: string, text: string, mode?: number): Promise<void>;
  /** Pings every 20 ms if not told otherwise. */
  startPing(target: string, options?: { readonly intervalMs?: number }): Promise<Pinger>;
}

export interface ExecOptions {
  readonly stdin?: string;
  /** Default 120,000. */
  readonly timeoutMs?: number;
}

const AGENT_PORT = 8443;
const WRITE_SCRIPT = 'umask 077; cat > "$1"; chmod "$2" "$1"';

/** Makes host number `index` in the namespace of its name, with certificate and configuration in place; the agent is not started. */
export async function startHost(
  names: LabNames,
  name: string,
  index: number,
  authority: CertificateAuthority,
): Promise<LabHost> {
  const address = names.address(index);
  const agentUrl = `https://${address}:${String(AGENT_PORT)}`;
  const hmacKey = newSecretText();
  const env = labEnvironment(names.number);
  const [holder, certificate] = await Promise.all([holdNamespaces(names, name), authority.issue(name, address)]);
  const argvFor = (argv: readonly string[]): string[] => [
    'nsenter',
    '--target',
    String(holder),
    '--net',
    '--mount',
    '--',
    ...argv,
  ];
  const exec: LabHost['exec'] = (argv, options = {}) => run(argvFor(argv), { ...options, env });
  const mustExec: LabHost['mustExec'] = async (argv, options) => outputOf(argv, await exec(argv, options));
  const writeFile: LabHost['writeFile'] = async (path, text, mode = 0o600) => {
    await mustExec(['sh', '-ec', WRITE_SCRIPT, 'sh', path, mode.toString(8)], { stdin: text });
  };
  await Promise.all([
    writeFile('/etc/wgnode/tls.crt', await readFile(certificate.certFile, 'utf8'), 0o644),
    writeFile('/etc/wgnode/tls.key', await readFile(certificate.keyFile, 'utf8')),
    writeFile('/etc/wgnode/agent.yaml', agentConfig(hmacKey)),
  ]);
  return {
    name,
    address,
    agentUrl,
    hmacKey,
    caPem: authority.pem,
    agent: new LabAgent({ name, folder: names.folder, url: agentUrl, caPem: authority.pem, env, argvFor }),
    exec,
    mustExec,
    argvFor,
    readFile: (path) => mustExec(['cat', path]),
    writeFile,
    startPing: (target, { intervalMs = 20 } = {}) => startPinger({ target, intervalMs, env, argvFor }),
  };
}

function agentConfig(hmacKey: string): string {
  return `listen: { host: 0.0.0.0, port: ${String(AGENT_PORT)} }
tls: { cert: /etc/wgnode/tls.crt, key: /etc/wgnode/tls.key }
secrets: ["${hmacKey}"]
minSignature: v1
hooks: shell
`;
}

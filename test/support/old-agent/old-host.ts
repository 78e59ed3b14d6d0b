/** What a command left: its output as bytes, as Python sees it. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** What the old agent works on: files under /etc/wireguard, and the programs wg and wg-quick. Everything throws as the system does. */
export interface OldHost {
  /** Undefined = there is no such file. */
  readFile(path: string): Promise<Buffer | undefined>;
  writeFile(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  run(argv: readonly string[]): Promise<CommandEnd>;
}

import { isErrorCode } from './errors.ts';

/** The causes of refused system calls that people can do something about. */
const CURES: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied: run it as root',
  EPERM: 'it is not permitted: run it as root',
  EROFS: 'the file system is read-only: mount it writable',
  ENOSPC: 'no space is left on the file system: make room',
  EDQUOT: 'the disk quota is used up: make room',
  ENOENT: 'there is no such file or folder',
  EEXIST: 'something else is there already: move it away',
  ENOTDIR: 'a part of the path is no folder: see that each is one',
  EISDIR: 'it is a folder, and a file is needed',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links lead in a circle',
  ENOTFOUND: 'there is no such name in DNS',
  EAI_AGAIN: 'no name server answers',
  EMFILE: 'too many files are open',
  EIO: 'the disk failed (input/output error)',
};

/** Of errors whose message is made for the operator: those of settings, of commands and of the agent. */
const isTold = (code: unknown): boolean =>
  typeof code === 'string' && (code === 'settings' || code === 'command' || isErrorCode(code));

/** Of a name that DNS was asked for. */
interface Host {
  readonly hostname: string;
}

/** Of a parser of YAML, whose own message shows the lines, which may hold a secret. */
interface Mark {
  readonly mark: { readonly line: number };
}

/** In a sentence; undefined = nobody has foreseen it. */
function sentenceOf(error: object): string | undefined {
  const { code, syscall, path, hostname, message, name, mark } = error as Partial<NodeJS.ErrnoException & Host & Mark>;
  if (isTold(code)) return message;
  if (name === 'YAMLException')
    return `it is not valid YAML${mark === undefined ? '' : `: see line ${String(mark.line + 1)}`}`;
  if (code === undefined || syscall === undefined) return undefined;
  const what = `${syscall} ${path ?? hostname ?? ''}`.trim();
  const cure = CURES[code];
  return `Cannot ${what}: ${cure === undefined ? code : `${cure} (${code})`}`;
}

/** A failure as a program tells it at its end: a sentence where people can mend it, the stack trace where it is a fault of ours. */
export function failureText(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { stack, message } = error as Partial<Error>;
  return sentenceOf(error) ?? stack ?? message ?? JSON.stringify(error);
}

/** Why something that others have written cannot be used: in one line, without a stack trace and without a piece of it. */
export function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  return sentenceOf(error) ?? (error as Partial<Error>).message?.split('\n', 1)[0] ?? '';
}

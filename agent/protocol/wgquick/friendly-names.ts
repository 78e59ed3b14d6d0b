import { parseDocument } from './document.ts';

const MAX_NAME = 64;

/** Names of peers by public key, as people and tools write them in a file: a comment `# friendly_name = Alice` in the section of the peer. */
export function friendlyNames(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  let key = '';
  let name = '';
  const take = (): void => {
    if (key !== '' && name !== '') names.set(key, name);
    key = '';
    name = '';
  };
  for (const line of parseDocument(text)) {
    if (line.header) take();
    if (line.section !== 'peer') continue;
    if (line.key === 'publickey') key = line.value;
    const [, friendly = ''] = /^#\s*friendly_name\s*=\s*(.+?)\s*$/.exec(line.comment) ?? [];
    if (friendly !== '') name = friendly.slice(0, MAX_NAME).toWellFormed();
  }
  take();
  return names;
}

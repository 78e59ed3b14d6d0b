/** Text with everything that could be a WireGuard key taken out, for lines that we keep but do not own. */
export const redactKeys = (text: string): string => text.replace(/[A-Za-z0-9+/]{42,}={0,2}/g, '[redacted]');

/** A wg-quick file with the values of its secret keys taken out, comments included. */
export const redactFile = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      /^\s*publickey\s*=/i.test(line)
        ? line.replace(/#.*$/, '')
        : line.replace(/((?:private|preshared)\s*key\s*=).*/i, '$1 [redacted]'),
    )
    .map((line) => (/^\s*publickey\s*=/i.test(line) ? line : redactKeys(line)))
    .join('\n');

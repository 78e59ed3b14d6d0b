/** Names of the chains and nft tables that lines make, as far as their text tells; `%i` not replaced. */
export function madeBy(lines: readonly string[]): ReadonlySet<string> {
  const text = lines.join('; ');
  const chains = text.matchAll(/\bip6?tables(?:-nft|-legacy)?\s[^;&|]*(?:-N|--new-chain)\s+([^\s;&|]+)/g);
  const tables = text.matchAll(/\bnft\s+(?:add|create)\s+table\s+(?:(?:ip|ip6|inet)\s+)?["']?([^\s;"'{]+)/g);
  return new Set([...chains, ...tables].map(([, name = '']) => name));
}

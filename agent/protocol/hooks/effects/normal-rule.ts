import { parseNetwork } from '../../address.ts';
import { shortOption } from '../iptables-words.ts';

/** A rule of iptables(8) as it was written, in one spelling: options short and in one order, networks canonical, matches that say nothing left out. */
export function normalRule(rule: string): string {
  const words = rule.match(/"[^"]*"|\S+/g) ?? [];
  const groups: string[][] = [];
  for (const word of words) {
    const last = groups.at(-1);
    const begins = word === '!' || (word.startsWith('-') && !(last?.length === 1 && last[0] === '!'));
    if (begins || last === undefined) groups.push([word]);
    else last.push(word);
  }
  const texts = groups
    .map((group) => group.map((word) => shortOption(word)))
    .map(([option = '', ...values]) => {
      if (option === '-m' && values[0] === 'state') return '-m conntrack';
      if (/^-[sd]$/.test(option)) return [option, ...values.map((value) => parseNetwork(value) ?? value)].join(' ');
      if (option === '--ctstate') return `${option} ${(values[0] ?? '').split(',').sort().join(',')}`;
      return [option, ...values].join(' ');
    })
    .filter((text) => !/^-m (?:tcp|udp)$/.test(text));
  return texts.sort().join(' ');
}

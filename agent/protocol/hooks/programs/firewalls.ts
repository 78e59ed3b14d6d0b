import { newWord, type Program } from './program.ts';
import { IPTABLES } from './iptables.ts';

/** ufw(8). */
export const UFW: Program = {
  names: ['ufw'],
  usage: {
    usage: `[ --force ] ( route [ delete ] [ insert <count> ] @verdict @where * | [ delete ] [ insert <count> ] @verdict ( <ufw-port> | @where @where * ) )`,
    verdict: '( allow | deny | reject | limit )',
    where: `in | out | on <devices> | ( from | to ) ( any | <network> ) [ port <ufw-port> ] | proto <protocol> | comment <comment>`,
  },
};

/** firewall-cmd(1), of the running configuration alone: what is permanent outlives the interface. */
export const FIREWALL_CMD: Program = {
  names: ['firewall-cmd'],
  // As argparse reads it.
  wordsOf: (words) =>
    words.flatMap((word) => {
      const [, option, value] = /^(--[a-z-]+)=(.*)$/s.exec(word.text) ?? [];
      if (option === undefined || value === undefined) return [word];
      return [newWord(option, word.at), { ...newWord(value, word.at), token: word.token }];
    }),
  usage: {
    ...IPTABLES.usage,
    usage: `[ --quiet | -q ] ( --zone <zone> ) * ( --direct ( --add-rule | --remove-rule ) <family> ( filter | nat | mangle | raw ) <chain> <number> @rule
      | ( @change | --zone <zone> ) * )`,
    change: `( --add-interface | --remove-interface | --change-interface ) <device> | ( --add-source | --remove-source ) <network>
      | ( --add-port | --remove-port ) <port-protocol> | --add-masquerade | --remove-masquerade | ( --add-rich-rule | --remove-rich-rule ) <rich-rule>
      | ( --add-forward | --remove-forward ) | ( --add-service | --remove-service ) <zone>`,
    rule: '( @match | @module | @target ) *',
  },
};

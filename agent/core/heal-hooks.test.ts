import { describe, expect, test } from '@jest/globals';
import { effectsOf } from '../protocol/hooks/effects/effects-of.ts';
import { EMPTY_CONFIG } from '../protocol/wgquick/config.ts';
import { healingOf } from './heal-hooks.ts';
import { failedLine, filledChains, isAmong, lostEffects, routesIn, rulesIn, type SeenEffect } from './seen-effects.ts';

const RULES = ['-i wg0', '-o wg0', '-s 10.7.0.0/24'].map((match) => `iptables -w -A FORWARD ${match} -j ACCEPT`);

/** The effects of lines; those at `gone` are not there. */
const seen = (lines: readonly string[], ...gone: readonly number[]): SeenEffect[] =>
  effectsOf({ ...EMPTY_CONFIG, postUp: lines }, 'wg0').map((own, at) => ({ ...own, isThere: !gone.includes(at) }));

const heal = (effects: readonly SeenEffect[]): { removed: string[]; added: string[] } => {
  const { removed, added } = healingOf(effects, lostEffects(effects, null));
  return { removed: removed.flatMap(({ inverse }) => inverse), added: added.map(({ command }) => command) };
};

describe('D4 what is gone is brought back', () => {
  test('a rule, and after it those that stood behind it', () => {
    expect(heal(seen(RULES, 1))).toEqual({
      removed: ['iptables -w -D FORWARD -s 10.7.0.0/24 -j ACCEPT'],
      added: [RULES[1], RULES[2]],
    });
  });

  test('a rule of another chain stays where it is', () => {
    const other = 'iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE';
    expect(heal(seen([RULES[0] ?? '', other], 0))).toEqual({ removed: [], added: [RULES[0]] });
  });

  test('of a chain of nft all rules: nobody knows which one is gone', () => {
    const lines = [
      'nft add table ip wg_wg0',
      'nft add chain ip wg_wg0 c',
      'nft add rule ip wg_wg0 c accept',
      'nft add rule ip wg_wg0 c drop',
    ];
    expect(heal(seen(lines, 2, 3))).toEqual({ removed: ['nft flush chain ip wg_wg0 c'], added: lines.slice(2) });
    expect(heal(seen(lines, 0, 1, 2, 3))).toEqual({ removed: [], added: lines });
  });

  test('what was not there after the hooks ran is not lost, nor what may have failed when somebody else ran them', () => {
    const effects = seen(['iptables -A INPUT -j ACCEPT || true', 'iptables -A OUTPUT -j ACCEPT'], 0, 1);
    const known = {
      index: 1,
      baseline: {} as never,
      hooks: [],
      unseen: ['firewall rule iptables filter OUTPUT -j ACCEPT'],
    };
    expect(lostEffects(effects, known)).toEqual([effects[0]]);
    expect(lostEffects(effects, null)).toEqual([effects[1]]);
  });
});

describe('what programs print', () => {
  test.each([
    ['iptables-restore: line 3 failed: Bad rule (does a matching rule exist in that chain?).', 2],
    ['iptables-restore: line 12 failed', 11],
    ['iptables-restore v1.8.9 (nf_tables): unknown option\nError occurred at line: 2', 1],
    ['Another app is currently holding the xtables lock', null],
  ])('%s', (text, line) => {
    expect(failedLine(text)).toBe(line);
  });

  test('chains with a rule', () => {
    const text = '*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n';
    expect([...filledChains(text)]).toEqual(['nat POSTROUTING']);
  });

  test('rules and routes of ip', () => {
    const rules = rulesIn(
      '[{"priority":7700,"src":"10.7.0.0","srclen":24,"fwmark":"0x5","fwmask":"0xff","iif":"d0","iif_detached":null,"table":"77"},' +
        '{"priority":7699,"not":null,"src":"all","fwmark":"0xca6c","table":"51820"}]',
      '-4',
    );
    const routes = routesIn(
      '[{"dst":"default","gateway":"10.0.0.2","dev":"eth0","flags":[]},{"type":"6","dst":"198.51.100.7","table":"77","metric":9,"flags":[]}]',
      '-4',
    );
    const wanted = effectsOf(
      {
        ...EMPTY_CONFIG,
        postUp: [
          'ip rule add from 10.7.0.0/24 fwmark 5/0xff table 77',
          'ip rule add not fwmark 51820 table 51820',
          'ip rule add fwmark 51820 table 51820',
          'ip route add blackhole 198.51.100.7/32 table 77',
          'ip route add 198.51.100.7/32 dev eth0 table 77',
        ],
      },
      'wg0',
    ).map(({ effect }) =>
      effect.kind === 'policy rule' ? isAmong(effect, rules) : effect.kind === 'route' && isAmong(effect, routes),
    );
    expect(wanted).toEqual([true, true, false, true, false]);
  });
});

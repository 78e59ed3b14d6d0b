import { expect, test } from '@jest/globals';
import type { CommandResult, CommandRunner } from '../../host/command-runner.ts';
import { parsePrivateKey } from '../../protocol/interface-key.ts';
import { parseDocument } from '../../protocol/wgquick/document.ts';
import { newPrivateKey } from '../../../test/support/canary.ts';
import { removeMoved } from './moved-link.ts';

interface Link {
  readonly ifname: string;
  readonly ifindex: number;
  readonly publicKey: string;
}

/** The kernel's WireGuard devices by network namespace, `` being the agent's; answers as ip(8) and wg(8) do. */
class Namespaces implements CommandRunner {
  readonly spawned = new Map<string, number>();
  readonly links: Map<string, Link[]>;

  constructor(links: Readonly<Record<string, readonly Link[]>>) {
    this.links = new Map(Object.entries(links).map(([namespace, own]) => [namespace, [...own]]));
  }

  follow(): never {
    throw new Error('Nothing is followed here');
  }

  run(program: string, args: readonly string[]): Promise<CommandResult> {
    const words = [program, ...args];
    const entered = words[1] === '-netns' || words[1] === 'netns';
    const namespace = words[1] === '-netns' ? (words[2] ?? '') : entered ? (words[3] ?? '') : '';
    const own = this.links.get(namespace) ?? [];
    const name = words.at(-1) === 'public-key' ? words.at(-2) : words.at(-1);
    const link = own.find(({ ifname }) => ifname === name);
    if (words.includes('public-key')) return answer(`${link?.publicKey ?? ''}\n`);
    if (words.includes('delete')) {
      this.links.set(
        namespace,
        own.filter((other) => other !== link),
      );
      return answer('', link === undefined ? 1 : 0);
    }
    return answer(own.length === 0 ? '' : JSON.stringify(own));
  }
}

const answer = (stdout: string, exitCode = 0): Promise<CommandResult> =>
  Promise.resolve({ exitCode, stdout, stderr: '' });

const privateKey = newPrivateKey();
const publicKey = parsePrivateKey(privateKey)?.publicKey ?? '';
const known = { index: 7, document: parseDocument(`[Interface]\nPrivateKey = ${privateKey}\n`) };
const moved: Link = { ifname: 'wg9', ifindex: 7, publicKey };
const stranger: Link = { ifname: 'wg0', ifindex: 7, publicKey: 'of somebody else' };

test.each([
  {
    name: 'is found in a named namespace, under any name',
    links: { '': [], a: [stranger], b: [moved] },
    left: { '': [], a: [stranger], b: [] },
  },
  { name: 'is found here, renamed', links: { '': [moved], a: [] }, left: { '': [], a: [] } },
  {
    name: 'with our number and another key is left alone',
    links: { '': [], a: [stranger] },
    left: { '': [], a: [stranger] },
  },
  {
    name: 'with our key and another number is left alone',
    links: { '': [], a: [{ ...moved, ifindex: 8 }] },
    left: { '': [], a: [{ ...moved, ifindex: 8 }] },
  },
])("a device of the kernel's $name", async ({ links, left }) => {
  const host = new Namespaces(links);
  await removeMoved(host, known, ['a', 'b']);
  expect(Object.fromEntries(host.links)).toEqual(left);
});

test('without a number nothing is looked for', async () => {
  const host = new Namespaces({ a: [moved] });
  await removeMoved(host, { ...known, index: null }, ['a']);
  expect(host.links.get('a')).toEqual([moved]);
});

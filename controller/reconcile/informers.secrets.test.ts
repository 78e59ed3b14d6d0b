import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { failed, KEY, takeWoken } from '../../test/support/informer-bench.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { SECRET } from '../api/kinds.ts';
import type { ObjectVersion } from '../api/trim.ts';
import { createQueue } from '../runtime/queue.ts';
import type { ReflectorHandler } from '../runtime/reflector.ts';
import { createNodeStore, type ReferencedHandler, referencedHandler } from './informers.ts';

interface Informed {
  readonly secrets: ReferencedHandler;
  /** `key priority` of all that was woken since the last call. */
  readonly woken: () => Promise<string[]>;
}

/** A handler of Secrets over a cache with one node that names two of them. */
function informed(): Informed {
  const nodes = createNodeStore();
  nodes.put(nodeWith());
  const queue = createQueue(new ManualClock());
  const woken = (): Promise<string[]> => takeWoken(queue);
  return { secrets: referencedHandler(SECRET, { nodes, queue }, failed), woken };
}

describe('Secrets', () => {
  const agent = (resourceVersion: string): ObjectVersion => ({ key: 'edge/fra1-agent', resourceVersion });
  const key = (resourceVersion: string): ObjectVersion => ({ key: 'edge/fra1-wg0', resourceVersion });

  test('the first list makes resyncs of the objects that name them: they may have been read before', async () => {
    const { secrets, woken } = informed();
    secrets.replace([agent('1'), { key: 'edge/unnamed', resourceVersion: '1' }]);
    expect(await woken()).toEqual([`${KEY} resync`]);
  });

  test.each<{ name: string; tell: (secrets: ReflectorHandler<ObjectVersion>) => void; expected: string[] }>([
    {
      name: 'what changed is a change',
      tell: ({ apply }) => {
        apply(agent('2'));
      },
      expected: [`${KEY} change`],
    },
    {
      name: 'a change of the private key is a change',
      tell: ({ apply }) => {
        apply(key('2'));
      },
      expected: [`${KEY} change`],
    },
    {
      name: 'the same version once more is nothing',
      tell: ({ apply }) => {
        apply(agent('1'));
      },
      expected: [],
    },
    {
      name: 'a deletion is a change',
      tell: ({ remove }) => {
        remove(agent('2'));
      },
      expected: [`${KEY} change`],
    },
    {
      name: 'a list without it is a change',
      tell: ({ replace }) => {
        replace([key('1')]);
      },
      expected: [`${KEY} change`],
    },
    {
      name: 'a list with another version of it is a change',
      tell: ({ replace }) => {
        replace([agent('0'), key('1')]);
      },
      expected: [`${KEY} change`],
    },
    {
      name: 'a list with the same versions is nothing',
      tell: ({ replace }) => {
        replace([agent('1'), key('1')]);
      },
      expected: [],
    },
    {
      name: 'a Secret that nobody names is nothing',
      tell: ({ apply }) => {
        apply({ key: 'other/fra1-agent', resourceVersion: '2' });
      },
      expected: [],
    },
  ])('$name', async ({ tell, expected }) => {
    const { secrets, woken } = informed();
    secrets.replace([agent('1'), key('1')]);
    await woken();
    tell(secrets);
    expect(await woken()).toEqual(expected);
  });

  test('T9: a Secret that is deleted and made anew is a change each time', async () => {
    const { secrets, woken } = informed();
    secrets.replace([agent('1'), key('1')]);
    await woken();
    secrets.remove(agent('2'));
    expect(await woken()).toEqual([`${KEY} change`]);
    secrets.apply(agent('3'));
    expect(await woken()).toEqual([`${KEY} change`]);
  });

  test('their versions are known as long as they are there', () => {
    const { secrets } = informed();
    const versions = (): (string | undefined)[] => ['edge/fra1-agent', 'edge/fra1-wg0'].map(secrets.versionOf);
    expect(versions()).toEqual([undefined, undefined]);
    secrets.replace([agent('1'), key('1')]);
    secrets.apply(agent('2'));
    expect(versions()).toEqual(['2', '1']);
    secrets.remove(agent('3'));
    secrets.replace([]);
    expect(versions()).toEqual([undefined, undefined]);
  });

  test('a Secret that comes after an object which waits for it is a change', async () => {
    const { secrets, woken } = informed();
    secrets.replace([]);
    secrets.apply(agent('1'));
    expect(await woken()).toEqual([`${KEY} change`]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { createStore, type Store } from './store.ts';

interface Thing {
  readonly name: string;
  readonly version: string;
  readonly colours: readonly string[];
}

const thing = (name: string, version: string, ...colours: string[]): Thing => ({ name, version, colours });

const newStore = (): Store<Thing> =>
  createStore<Thing>({
    keyOf: ({ name }) => name,
    versionOf: ({ version }) => version,
    indexes: { colour: ({ colours }) => colours, version: ({ version }) => [version] },
  });

test('an object is found by its key until it is removed', () => {
  const store = newStore();
  store.apply(thing('a', '1', 'red'));
  expect([store.get('a'), store.keys(), store.size()]).toEqual([thing('a', '1', 'red'), ['a'], 1]);
  store.remove('a');
  expect([store.get('a'), store.keys(), store.size()]).toEqual([undefined, [], 0]);
});

test('the removal of an unknown key does nothing', () => {
  const store = newStore();
  store.remove('a');
  expect(store.size()).toBe(0);
});

describe('C9: resourceVersions', () => {
  test.each([
    { name: 'a newer one replaces the object', previous: '9', next: '10', taken: true },
    { name: 'an equal one is the object that is there', previous: '10', next: '10', taken: false },
    { name: 'an older one is refused', previous: '10', next: '9', taken: false },
    {
      name: 'they are compared as numbers of any length',
      previous: '9007199254740993',
      next: '9007199254740992',
      taken: false,
    },
  ])('$name', ({ previous, next, taken }) => {
    const store = newStore();
    store.apply(thing('a', previous, 'red'));
    expect(store.apply(thing('a', next, 'blue'))).toBe(taken);
    expect(store.get('a')?.version).toBe(taken ? next : previous);
    expect(store.withIndex('colour', 'blue')).toEqual(taken ? ['a'] : []);
  });
});

describe('indexes', () => {
  test('give the keys of all objects that have the value', () => {
    const store = newStore();
    store.apply(thing('a', '1', 'red', 'blue'));
    store.apply(thing('b', '2', 'blue'));
    expect(store.withIndex('colour', 'blue').sort()).toEqual(['a', 'b']);
    expect(store.withIndex('colour', 'red')).toEqual(['a']);
    expect(store.withIndex('colour', 'green')).toEqual([]);
  });

  test('forget the values that an object no longer has', () => {
    const store = newStore();
    store.apply(thing('a', '1', 'red'));
    store.apply(thing('a', '2', 'blue'));
    expect([store.withIndex('colour', 'red'), store.withIndex('colour', 'blue')]).toEqual([[], ['a']]);
  });

  test('forget an object that is removed', () => {
    const store = newStore();
    store.apply(thing('a', '1', 'red'));
    store.remove('a');
    expect(store.withIndex('colour', 'red')).toEqual([]);
  });

  test('of different names do not mix', () => {
    const store = newStore();
    store.apply(thing('a', '1', 'red'));
    expect([store.withIndex('version', 'red'), store.withIndex('nothing', 'red')]).toEqual([[], []]);
  });
});

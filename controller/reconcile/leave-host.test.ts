import { beforeEach, describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import { anotherNode } from '../../test/support/check-input.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { ownerOf, refusedFor } from '../../test/support/sync-bench.ts';
import type { Owner } from '../../agent/protocol/owner.ts';
import { type LeaveEnd, leaveHost, type LeaveOptions } from './leave-host.ts';

const UNREACHABLE = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' } as const;
const { uid } = nodeWith().metadata;

let host: MemoryDriver;
beforeEach(() => {
  host = new MemoryDriver();
  host.config = aConfig();
});

const leave = (over: Partial<LeaveOptions> = {}): Promise<LeaveEnd> => {
  const options = { timeoutMs: 1_000, signal: new AbortController().signal };
  return leaveHost(host, {
    verb: 'remove',
    uid,
    options,
    isProven: true,
    mayArrive: false,
    isCurrent: () => true,
    ask: (read) => read(),
    ...over,
  });
};
/** What is left of the interface. */
const left = (): 'removed' | 'up' | 'down' => (host.config === undefined ? 'removed' : host.state);

describe('a host that is left', () => {
  test.each([
    ['remove', 'removed'],
    ['disable', 'down'],
  ] as const)('by %s has its interface %s', async (verb, state) => {
    expect(await leave({ verb })).toEqual({ kind: 'left' });
    expect(left()).toBe(state);
  });

  test.each<{ name: string; owner: Owner | null | undefined }>([
    { name: 'its own', owner: ownerOf(nodeWith()) },
    { name: 'nobody’s', owner: null },
    { name: 'whoever’s, as the agent does not tell', owner: undefined },
  ])('loses an interface that is $name', async ({ owner }) => {
    host.owner = owner;
    expect(await leave()).toEqual({ kind: 'left' });
    expect(left()).toBe('removed');
  });

  test.each(['remove', 'disable'] as const)('K4: keeps what is another object’s by now (%s)', async (verb) => {
    host.owner = ownerOf(anotherNode(() => undefined));
    expect(await leave({ verb })).toEqual({ kind: 'not-ours' });
    expect([left(), host.attempts]).toEqual(['up', 0]);
  });

  test('K4: keeps what is that of an object of another cluster, even one with the same name', async () => {
    host.owner = ownerOf(nodeWith(), { id: 'uid-there', cluster: 'cluster-2' });
    expect(await leave()).toEqual({ kind: 'not-ours' });
  });

  test.each<[Owner | null | undefined, LeaveEnd['kind'], ReturnType<typeof left>]>([
    [ownerOf(nodeWith()), 'left', 'removed'],
    [null, 'not-ours', 'up'],
    [undefined, 'not-ours', 'up'],
  ])('K5: where nothing was proven loses only what it knows as this object’s (%#)', async (owner, kind, state) => {
    host.owner = owner;
    expect(await leave({ isProven: false })).toEqual({ kind });
    expect(left()).toBe(state);
  });

  test('K5: is not let go while a change that was sent may still come to its end', async () => {
    host.owner = null;
    expect(await leave({ isProven: false, mayArrive: true })).toEqual({ kind: 'unsettled' });
    host.owner = ownerOf(nodeWith());
    expect(await leave({ isProven: false, mayArrive: true })).toEqual({ kind: 'left' });
    expect(left()).toBe('removed');
  });

  test('may have nothing of it at all', async () => {
    host.config = undefined;
    expect(await leave()).toEqual({ kind: 'left' });
  });
});

describe('a host that is not left', () => {
  test.each([UNREACHABLE, refusedFor('ConfigRefused')])('as it answers $kind', async (failure) => {
    host.failure = failure;
    expect(await leave()).toEqual(failure);
    expect(left()).toBe('up');
  });

  test('K5: as it is wanted otherwise, or this controller leads no more: asked right before the change', async () => {
    expect(await leave({ isCurrent: () => host.reads === 0 })).toEqual({ kind: 'superseded' });
    expect([left(), host.attempts, host.reads]).toEqual(['up', 0, 1]);
  });

  test('as its agent cannot remove an interface', async () => {
    host.capabilities.delete('remove');
    expect(await leave()).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
    expect(await leave({ verb: 'disable' })).toEqual({ kind: 'left' });
  });
});

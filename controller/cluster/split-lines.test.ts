import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitLines } from './split-lines.ts';

/** A stream that gives these bytes in the chunks between the cuts. */
async function* chunks(bytes: Uint8Array, ...cuts: number[]): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  const ends = [...cuts, bytes.length];
  for (const [index, end] of ends.entries()) yield bytes.subarray(ends[index - 1] ?? 0, end);
}

async function linesOf(text: string, ...cuts: number[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(chunks(Buffer.from(text), ...cuts))) lines.push(line);
  return lines;
}

const TEXT = '{"name":"grün"}\n{"name":"雪"}\n\n{"name":"🏔"}\n';
const LINES = ['{"name":"grün"}', '{"name":"雪"}', '', '{"name":"🏔"}'];

test.each([
  { name: 'an empty stream has no line', text: '', lines: [] },
  { name: 'a line needs no end', text: 'a\nb', lines: ['a', 'b'] },
  { name: 'the end of a line is not the begin of another', text: 'a\n', lines: ['a'] },
  { name: 'an empty line is a line', text: '\na\n', lines: ['', 'a'] },
])('$name', async ({ text, lines }) => {
  expect(await linesOf(text)).toEqual(lines);
});

test('a cut at any byte changes nothing, not even in the middle of a character', async () => {
  const { length } = Buffer.from(TEXT);
  for (let cut = 0; cut <= length; cut += 1) expect(await linesOf(TEXT, cut)).toEqual(LINES);
});

test('a stream of single bytes has the same lines', async () => {
  const { length } = Buffer.from(TEXT);
  const everywhere = Array.from({ length }, (_, index) => index);
  expect(await linesOf(TEXT, ...everywhere)).toEqual(LINES);
});

test('any text comes out as it is, wherever it is cut', async () => {
  const text = fc
    .array(fc.constantFrom('a', 'ü', '雪', '🏔', '\n', '\r'), { maxLength: 40 })
    .map((parts) => parts.join(''));
  const property = fc.asyncProperty(text, fc.array(fc.nat(160), { maxLength: 6 }), async (given, cuts) => {
    const { length } = Buffer.from(given);
    const inside = cuts.filter((cut) => cut <= length).sort((left, right) => left - right);
    const lines = await linesOf(given, ...inside);
    expect(lines).toEqual(given === '' ? [] : given.replace(/\n$/, '').split('\n'));
  });
  await fc.assert(property);
});

test('a line is given as soon as it is whole, before the stream ends', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('first\nsec');
    await promise;
    yield Buffer.from('ond\n');
  }
  const lines = splitLines(slow());
  expect((await lines.next()).value).toBe('first');
  resolve(undefined);
  expect((await lines.next()).value).toBe('second');
});

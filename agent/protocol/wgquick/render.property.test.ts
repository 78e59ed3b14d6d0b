import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryConfig, arbitraryFile, arbitraryText, RUNS } from '../../../test/fixtures/arbitraries.ts';
import { validate } from '../validate.ts';
import { changedFields, type InterfaceConfig } from './config.ts';
import { type Line, documentText, interfaceOf, parseDocument } from './document.ts';
import { fieldOf } from './fields.ts';
import { render } from './render.ts';

const renderText = (text: string, config: InterfaceConfig): string => render(parseDocument(text), config);
const configOf = (text: string): InterfaceConfig => interfaceOf(parseDocument(text));

test('the generator makes configurations that validation takes', () => {
  fc.assert(
    fc.property(arbitraryConfig, (config) => {
      expect(validate(config)).toEqual([]);
    }),
    RUNS,
  );
});

test('T2: rendering what the file says already gives the file', () => {
  fc.assert(
    fc.property(fc.oneof(arbitraryFile(), arbitraryText), (text) => {
      expect(renderText(text, configOf(text))).toBe(text);
    }),
    RUNS,
  );
});

test('T2: a file reads as what was rendered into it', () => {
  fc.assert(
    fc.property(fc.oneof(arbitraryFile(), arbitraryText), arbitraryConfig, (text, config) => {
      expect(changedFields(configOf(renderText(text, config)), config)).toEqual([]);
    }),
    RUNS,
  );
});

test('N22: rendering twice is rendering once', () => {
  fc.assert(
    fc.property(arbitraryFile(), arbitraryConfig, (text, config) => {
      const once = renderText(text, config);
      expect(renderText(once, config)).toBe(once);
    }),
    RUNS,
  );
});

test('I1, R11: peer sections and sections of others survive byte for byte and in order', () => {
  const others = (text: string): string =>
    documentText(parseDocument(text).filter((line) => line.section === 'peer' || line.section === 'other'));
  fc.assert(
    fc.property(arbitraryFile(), arbitraryConfig, (text, config) => {
      expect(others(renderText(text, config))).toBe(others(text));
    }),
    RUNS,
  );
});

const isSame = (left: Line, right: Line | undefined): boolean =>
  left.raw === right?.raw && (left.eol === right.eol || left.eol === '');

/** Lines of `kept` that do not stand in `lines` in the same order. */
function lostLines(kept: readonly Line[], lines: readonly Line[]): string[] {
  let at = 0;
  return kept
    .filter((line) => {
      const found = lines.findIndex((candidate, index) => index >= at && isSame(line, candidate));
      if (found < 0) return true;
      at = found + 1;
      return false;
    })
    .map((line) => line.raw);
}

test('I1: every line of an unchanged field, unknown key, comment and blank line survives byte for byte and in order', () => {
  fc.assert(
    fc.property(arbitraryFile(), arbitraryConfig, (text, config) => {
      const document = parseDocument(text);
      const changed = changedFields(interfaceOf(document), config).map((name) => fieldOf(name).key.toLowerCase());
      const isOwned = (line: Line): boolean =>
        line.section === 'interface' && (line.header || changed.includes(line.key));
      const kept = document.filter((line) => !isOwned(line));
      expect(lostLines(kept, parseDocument(render(document, config)))).toEqual([]);
    }),
    RUNS,
  );
});

test('I1: the comment of every replaced line survives', () => {
  fc.assert(
    fc.property(arbitraryFile(), arbitraryConfig, (text, config) => {
      const comments = parseDocument(text).flatMap((line) => (line.comment === '' ? [] : [line.comment]));
      const rendered = renderText(text, config);
      expect(comments.filter((comment) => !rendered.includes(comment))).toEqual([]);
    }),
    RUNS,
  );
});

test.each([
  { name: 'CRLF', eol: '\r\n', foreign: /(?<!\r)\n/ },
  { name: 'LF', eol: '\n', foreign: /\r/ },
])('a file with $name line ends gets no others', ({ eol, foreign }) => {
  fc.assert(
    fc.property(
      arbitraryFile([eol]).filter((text) => text.includes(eol)),
      arbitraryConfig,
      (text, config) => {
        expect(renderText(text, config)).not.toMatch(foreign);
      },
    ),
    RUNS,
  );
});

test('what is no value is rendered too: a file takes on the whole interface part of another one', () => {
  const withoutKey = ({ invalid: { privateKey: _, ...invalid }, ...config }: InterfaceConfig): InterfaceConfig => ({
    ...config,
    invalid,
  });
  fc.assert(
    fc.property(arbitraryFile(), arbitraryFile(), (text, other) => {
      const wanted = withoutKey(configOf(other));
      expect(changedFields(withoutKey(configOf(renderText(text, wanted))), wanted)).toEqual([]);
    }),
    RUNS,
  );
});

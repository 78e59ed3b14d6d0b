import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { newPrivateKey } from '../../test/support/canary.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { documentsOf, yamlOf } from './resource-documents.ts';
import { yamlComment } from './yaml-comment.ts';

/** What kubectl refuses in a stream (go-yaml reads no control characters), and what ends a line in YAML 1.1 but not in 1.2. */
const REFUSED = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g;

const STRANGE = [
  ['NEL, which is no white space in JavaScript', '\u0085'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['a carriage return', '\r'],
  ['NUL', '\0'],
  ['ESC', '\x1b'],
  ['DEL', '\x7f'],
  ['a C1 control', '\x9b'],
  ['half a surrogate pair, as of a byte that is no UTF-8', '\udc85'],
  ['a byte order mark', '\ufeff'],
  ['an override of direction', '\u202e'],
] as const;

describe('a comment of YAML', () => {
  test.each(STRANGE)('holds no %s', (_, character) => {
    expect(yamlComment(`a${character}---${character}b`)).toBe('# a --- b\n');
  });

  test('leaves other text as it is', () => {
    expect(yamlComment('Grüße, 你好 😀: "x" #y')).toBe('# Grüße, 你好 😀: "x" #y\n');
  });

  test('is cut, and at no half of a character', () => {
    const text = yamlComment('😀'.repeat(400));
    expect(text).toBe(`# ${'😀'.repeat(300)}...\n`);
  });
});

describe('a file cannot bring in documents of its own', () => {
  const role = '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"x"}}';
  const naming = { namespace: 'edge', host: 'fra1', mode: 'Observe', url: 'https://fra1.example.net:8443' } as const;

  const keys = ['PostUp', 'Table', 'DNS', 'Address', 'MTU', 'SaveConfig', '#wgnode:firewall'];
  const rows = keys.flatMap((key) => STRANGE.map(([what, character]) => [key, what, character] as const));
  test.each(rows)('by %s with %s', (key, _, character) => {
    const value = ['x', '---', role, '---', ''].join(character);
    const lines = `[Interface]\nPrivateKey = ${newPrivateKey()}\nPreUp = true\n${key} = ${value}\n`;
    const source = {
      name: 'wg0',
      file: interfaceOf(parseDocument(lines)),
      ...({ state: 'up', observed: null, remarks: [value] } as const),
      drift: [{ path: 'spec.interface.mtu', file: value, live: value, impact: 'None' as const }],
    };
    const text = yamlOf(documentsOf(naming, [source]));
    expect(text.replaceAll('\n', '')).not.toMatch(REFUSED);
    const documents = loadAll(text.replace(LINE_ENDS, '\n')) as { kind: string }[];
    expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'WireGuardNode']);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { repositoryPath } from '../../test/support/lab/repository.ts';
import { type FieldSchema, fit } from './field-schema.ts';
import { STATUS_SCHEMA } from './wireguardnode-status.generated.ts';

interface Crd {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly status: object } } };
    }[];
  };
}

const crd = load(readFileSync(repositoryPath('crds/wireguardnodes.wgnode.dev.yaml'), 'utf8')) as Crd;
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const isStatus = ajv.compile(crd.spec.versions[0]?.schema.openAPIV3Schema.properties.status ?? false);

/** Texts that break limits: too long, empty, half a pair, control characters. */
const odd = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.integer({ min: 0, max: 40_000 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 0, max: 2_000 }).map((length) => '\ud83d\ude00'.repeat(length)),
  fc.constantFrom('', '\ud800', '\u0000', 'None', 'True', 'Up', '2026-01-01T00:00:00Z', 'not a time'),
);

/** Values of the shape of a schema, and beyond each of its limits. */
function beyond({ properties, items }: FieldSchema): fc.Arbitrary<unknown> {
  const anything = fc.oneof(odd, fc.integer(), fc.double(), fc.constantFrom(null, undefined, true, [], {}));
  if (properties !== undefined) {
    const members = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, beyond(schema)]));
    const shaped = fc.record(members, { requiredKeys: [] });
    return fc.oneof({ weight: 9, arbitrary: shaped }, { weight: 1, arbitrary: anything });
  }
  if (items !== undefined)
    return fc.oneof({ weight: 9, arbitrary: fc.array(beyond(items), { maxLength: 6 }) }, anything);
  return fc.oneof(anything, odd);
}

describe('C6 what is fitted to the schema', () => {
  test('is taken by the CRD, whatever it was made of', () => {
    const property = fc.property(beyond(STATUS_SCHEMA), (value) => {
      const fitted = fit(STATUS_SCHEMA, value);
      if (fitted === undefined) return;
      expect({ fitted, isTaken: isStatus(fitted), errors: isStatus.errors }).toMatchObject({ isTaken: true });
      expect(fit(STATUS_SCHEMA, fitted)).toEqual(fitted);
    });
    fc.assert(property, { numRuns: Math.min(RUNS.numRuns, 5_000) });
  });

  test.each<[string, FieldSchema, unknown, unknown]>([
    ['a text beyond its length is cut', { type: 'string', maxLength: 3 }, 'abcd', 'abc'],
    ['half a surrogate pair is replaced', { type: 'string', maxLength: 3 }, 'ab\ud83d\ude00', 'ab\ufffd'],
    ['an empty text that must not be is left out', { type: 'string', minLength: 1 }, '', undefined],
    ['a word that is none of the enum is left out', { type: 'string', enum: ['Up'] }, 'up', undefined],
    ['a text that does not match is left out', { type: 'string', pattern: '^a$' }, 'b', undefined],
    ['a time that is none is left out', { type: 'string', format: 'date-time' }, 'soon', undefined],
    ['a number beyond its bounds is kept in them', { type: 'integer', minimum: 0, maximum: 9 }, 12, 9],
    ['a fraction is cut', { type: 'integer' }, 1.5, 1],
    ['not a number is left out', { type: 'integer' }, Number.NaN, undefined],
    ['a list is cut', { items: { type: 'integer' }, maxItems: 2 }, [1, 2, 3], [1, 2]],
    [
      'what is twice in a set is there once',
      { items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      ['a', 'a'],
      ['a'],
    ],
    [
      'of a map the first of a key stays',
      {
        items: { type: 'object', properties: { type: { type: 'string' }, value: { type: 'integer' } } },
        ...{ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
      },
      [
        { type: 'a', value: 1 },
        { type: 'a', value: 2 },
      ],
      [{ type: 'a', value: 1 }],
    ],
    [
      'an object without what it needs is left out of its list',
      { items: { type: 'object', required: ['path'], properties: { path: { type: 'string', minLength: 1 } } } },
      [{ path: '' }, { path: 'a', more: 1 }],
      [{ path: 'a' }],
    ],
    ['a member that it inherits is none', { type: 'object', properties: { toString: { type: 'string' } } }, {}, {}],
  ])('%s', (_, schema, value, expected) => {
    expect(fit(schema, value)).toEqual(expected);
  });
});

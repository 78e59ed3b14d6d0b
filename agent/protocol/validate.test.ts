import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryConfig, RUNS } from '../../test/fixtures/arbitraries.ts';
import { validate } from './validate.ts';
import { configFromResource, type ResourceFields } from './wgquick/resource.ts';

const KEY = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';

/** Values as a resource or a request has them. */
type Values = ResourceFields & { readonly privateKey?: string };

const problemsOf = (part: Values): string[] =>
  validate(configFromResource(part, part.privateKey ?? KEY)).map(
    ({ code, path }) => `${code} ${path.replace('spec.interface.', '')}`,
  );

interface Row {
  name: string;
  part: Values;
}

const many = (count: number, item: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => item(at));

describe('good values', () => {
  test.each<Row>([
    { name: 'a private key alone', part: {} },
    { name: 'the lowest numbers', part: { listenPort: 1, mtu: 576, fwMark: 1, table: '1' } },
    { name: 'the highest numbers', part: { listenPort: 65_535, mtu: 65_535, fwMark: 0xffffffff, table: '4294967295' } },
    { name: 'an MTU of 1280 with IPv6', part: { mtu: 1280, addresses: ['fd00::1/64'] } },
    { name: 'an MTU of 1279 without IPv6', part: { mtu: 1279, addresses: ['10.0.0.1/24'] } },
    { name: 'addresses with and without length', part: { addresses: ['10.0.0.1/24', '10.0.0.2', 'fd00::1/128'] } },
    { name: '64 addresses', part: { addresses: many(64, (at) => `10.0.0.${String(at)}/24`) } },
    { name: 'servers and domains', part: { dns: ['192.0.2.53', '2001:db8::53', 'example.org', '_x.a-b.c'] } },
    { name: 'no routes', part: { table: 'off' } },
    {
      name: 'hooks with =, commas, quotes, %i and text of other scripts',
      part: { postUp: ['iptables -A X -i %i --comment "a=b, ü"', 'true'], preDown: ['x && y 2>&1 | z'] },
    },
    { name: 'a hook of 4096 characters', part: { preUp: ['x'.repeat(4096)] } },
    { name: 'a hook of 4096 characters beyond the first plane', part: { preUp: ['\u{1f512}'.repeat(4096)] } },
    { name: '64 DNS entries', part: { dns: many(64, (at) => `10.0.0.${String(at)}`) } },
    { name: '64 hooks', part: { postDown: many(64, () => 'true') } },
  ])('$name', ({ part }) => {
    expect(problemsOf(part)).toEqual([]);
  });

  test('whatever the generator of good configurations makes', () => {
    fc.assert(
      fc.property(arbitraryConfig, (config) => {
        expect(validate(config)).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('N10: bad values', () => {
  test.each<Row & { problem: string }>([
    { name: 'no private key', part: { privateKey: '' }, problem: 'privateKeySecretRef' },
    { name: 'a key that is none', part: { privateKey: 'x' }, problem: 'privateKeySecretRef' },
    {
      name: 'the all-zero key',
      part: { privateKey: `${'A'.repeat(43)}=` },
      problem: 'privateKeySecretRef',
    },
    { name: 'port 0', part: { listenPort: 0 }, problem: 'listenPort' },
    { name: 'a port that is too high', part: { listenPort: 65_536 }, problem: 'listenPort' },
    { name: 'a port that is no number', part: { listenPort: Number.NaN }, problem: 'listenPort' },
    { name: 'an MTU that is too low', part: { mtu: 575 }, problem: 'mtu' },
    { name: 'an MTU that is too high', part: { mtu: 65_536 }, problem: 'mtu' },
    { name: 'an MTU that makes IPv6 vanish', part: { mtu: 1279, addresses: ['fd00::1/64'] }, problem: 'mtu' },
    { name: 'mark 0', part: { fwMark: 0 }, problem: 'fwMark' },
    { name: 'a mark above 32 bits', part: { fwMark: 2 ** 32 }, problem: 'fwMark' },
    { name: 'an address that is none', part: { addresses: ['10.0.0.1/33'] }, problem: 'addresses' },
    { name: 'two addresses in one entry', part: { addresses: ['10.0.0.1/24, 10.0.0.2/24'] }, problem: 'addresses' },
    { name: 'an address twice', part: { addresses: ['10.0.0.1/24', '10.0.0.1/24'] }, problem: 'addresses' },
    { name: '65 DNS entries', part: { dns: many(65, (at) => `10.0.0.${String(at)}`) }, problem: 'dns' },
    { name: '65 addresses', part: { addresses: many(65, (at) => `10.0.0.${String(at)}/24`) }, problem: 'addresses' },
    { name: 'a search domain alone', part: { dns: ['example.org'] }, problem: 'dns' },
    { name: 'a domain with a slash', part: { dns: ['192.0.2.53', 'a/b'] }, problem: 'dns' },
    { name: 'a domain that looks like an option', part: { dns: ['192.0.2.53', '-x'] }, problem: 'dns' },
    { name: 'an empty server', part: { dns: ['192.0.2.53', ''] }, problem: 'dns' },
    { name: 'a server with a zone', part: { dns: ['192.0.2.53', 'fe80::1%eth0'] }, problem: 'dns' },
    {
      name: 'digits and dots, which wg-quick takes as a server',
      part: { dns: ['192.0.2.53', '127.1'] },
      problem: 'dns',
    },
    { name: 'a server in octal', part: { dns: ['192.0.2.53', '010.0.0.1'] }, problem: 'dns' },
    { name: 'table 0', part: { table: '0' }, problem: 'table' },
    { name: 'table auto, which is null', part: { table: 'auto' }, problem: 'table' },
    { name: 'table OFF, which wg-quick takes as a name', part: { table: 'OFF' }, problem: 'table' },
    { name: 'a table above 32 bits', part: { table: '4294967296' }, problem: 'table' },
    { name: 'a table with a leading zero', part: { table: '0123' }, problem: 'table' },
    { name: 'a table in hex', part: { table: '0x10' }, problem: 'table' },
  ])('$name', ({ part, problem }) => {
    expect(problemsOf(part)).toEqual([`invalid_value ${problem}`]);
  });

  test.each<Row & { problem: string }>([
    { name: 'an empty hook', part: { preUp: [''] }, problem: 'preUp[0]' },
    { name: 'a hook of 4097 characters', part: { postUp: ['true', 'x'.repeat(4097)] }, problem: 'postUp[1]' },
    { name: 'a # in a hook, which older tools cut', part: { preDown: ['echo "#"'] }, problem: 'preDown[0]' },
    { name: 'half a surrogate pair, which no file can hold', part: { postUp: ['echo \ud800'] }, problem: 'postUp[0]' },
  ])('$name', ({ part, problem }) => {
    expect(problemsOf(part)).toEqual([`invalid_hook ${problem}`]);
  });

  test('more than 64 hooks', () => {
    expect(problemsOf({ postDown: many(65, () => 'true') })).toEqual(['invalid_value postDown']);
  });

  test('all problems are told at once', () => {
    const part = { listenPort: 0, mtu: 1, table: 'x', addresses: ['y'], postUp: ['', '#'] };
    expect(problemsOf(part)).toEqual([
      'invalid_value listenPort',
      'invalid_value addresses',
      'invalid_value mtu',
      'invalid_value table',
      'invalid_hook postUp[0]',
      'invalid_hook postUp[1]',
    ]);
  });
});

describe('N5: no field takes a character that could end its line', () => {
  const controls = ['\n', '\r', '\0', '\u2028', '\u2029', '\u0085', '\t', '\u001b'];
  const fields: { field: string; make: (control: string) => Values }[] = [
    { field: 'privateKey', make: (control) => ({ privateKey: `${KEY}${control}` }) },
    { field: 'addresses', make: (control) => ({ addresses: [`10.0.0.1/24${control}`] }) },
    { field: 'addresses of IPv6', make: (control) => ({ addresses: [`fd00::1${control}/64`] }) },
    { field: 'dns', make: (control) => ({ dns: ['192.0.2.53', `example.org${control}`] }) },
    { field: 'dns servers', make: (control) => ({ dns: [`192.0.2.53${control}`, '192.0.2.54'] }) },
    { field: 'table', make: (control) => ({ table: `123${control}` }) },
    { field: 'table off', make: (control) => ({ table: `off${control}` }) },
    { field: 'preUp', make: (control) => ({ preUp: [`a${control}b`] }) },
    { field: 'postUp', make: (control) => ({ postUp: [`a${control}PostUp = b`] }) },
    { field: 'preDown', make: (control) => ({ preDown: [`b${control}a`] }) },
    { field: 'postDown', make: (control) => ({ postDown: [`a${control}b`] }) },
  ];
  const rows = fields.flatMap(({ field, make }) =>
    controls.map((control) => ({ field, control: JSON.stringify(control), part: make(control) })),
  );

  test.each(rows)('$field with $control', ({ part }) => {
    expect(problemsOf(part)).toHaveLength(1);
  });
});

test('N8: a bad private key is not repeated', () => {
  const problems = validate(configFromResource({}, 'almost-a-key'));
  expect(JSON.stringify(problems)).not.toContain('almost-a-key');
});

test.each(['\0', '\u001b', '\u0085'])(
  'N5: a hook that begins or ends with %j is refused: it is no white space',
  (control) => {
    for (const part of [{ preDown: [`${control}a`] }, { postDown: [`a${control}`] }])
      expect(problemsOf(part)).toHaveLength(1);
  },
);

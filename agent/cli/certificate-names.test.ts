import { describe, expect, test } from '@jest/globals';
import { checkName, isReachable } from './certificate-names.ts';

describe('names that a URL of an agent can hold', () => {
  test.each(['fra1', 'fra1.example.net', 'feb1.example.net', '203.0.113.7', '2001:db8::7', 'localhost', '10.example'])(
    '%s is one',
    (name) => {
      expect(() => {
        checkName(name);
      }).not.toThrow();
    },
  );

  test.each([
    ...[
      '_',
      'my_host',
      'my_host.example.net',
      '*.example.org',
      '*',
      '',
      'a b',
      '-a',
      'a-',
      'fra1.',
      'a..b',
      'fra1:8443',
    ],
    ...['https://fra1', '10.0.0.300', 'fra1.7', 'fe80::1%eth0', '[2001:db8::7]', 'x'.repeat(64)],
  ])('%j is none, and refused with a word on what is', (name) => {
    expect(() => {
      checkName(name);
    }).toThrow(/^--address .* must be a DNS name of letters, digits and hyphens/);
  });
});

describe('names by which a controller may reach a host', () => {
  test.each(['fra1', 'fra1.example.net', 'feb1.example.net', 'localhosts.example.net', '10.0.0.7', '2001:db8::1'])(
    '%s is one',
    (name) => {
      expect(isReachable(name)).toBe(true);
    },
  );

  test.each([
    ...[
      'localhost',
      'LOCALHOST',
      'localhost.localdomain',
      'localhost4.localdomain4',
      'fra1.localdomain',
      'a.localhost',
    ],
    ...['127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', '::', '0.0.0.0', 'fe80::1', '169.254.1.1'],
    ...['*.example.org', 'my_host'],
  ])('%s is none', (name) => {
    expect(isReachable(name)).toBe(false);
  });
});

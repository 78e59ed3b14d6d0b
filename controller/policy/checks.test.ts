import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { found, HMAC_KEY, inputWith, nothing, POLICY, PRIVATE_KEY, reasonOf } from '../../test/support/check-input.ts';
import type { RefusalReason } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { PUBLIC_KEY } from '../../test/support/observed-host.ts';
import { check, checkAgent } from './checks.ts';
import type { Input } from './input.ts';

const withAgentSecret = (data: Readonly<Record<string, string>>): Input =>
  inputWith(nothing, { agentSecret: found(data) });
const withKey = (privateKey: string): Input => inputWith(nothing, { keySecret: found({ privateKey }) });

const observing = ({ spec }: WireGuardNode): void => {
  spec.management.mode = 'Observe';
};

interface Case {
  readonly name: string;
  readonly input: Input;
  readonly reason: RefusalReason | undefined;
}

const cases: readonly Case[] = [
  { name: 'a node with both Secrets passes', input: inputWith(), reason: undefined },
  {
    name: 'a node with every field that can be done passes',
    input: inputWith((node) => {
      Object.assign(node.spec.interface, {
        listenPort: 51_820,
        addresses: ['10.0.0.1/24', 'FD00::1/64'],
        mtu: 1_420,
        dns: ['10.0.0.53', 'corp.example'],
        table: 'None',
        fwMark: 1,
        postUp: ['iptables -A FORWARD -i %i -j ACCEPT'],
        firewall: [{ name: 'clamp', type: 'MSSClamp' }],
      });
    }),
    reason: undefined,
  },
  {
    name: 'a firewall intent that says nothing is refused',
    input: inputWith((node) => {
      node.spec.interface.firewall = [{ name: 'ssh', type: 'OpenPort' }];
    }),
    reason: 'InvalidSpec',
  },
  {
    name: 'a signature scheme that only another CRD takes is not supported',
    input: inputWith((node) => {
      Object.assign(node.spec.agent, { minSignature: 'v2' });
    }),
    reason: 'Unsupported',
  },
  {
    name: 'the signature scheme v1 is supported',
    input: inputWith((node) => {
      node.spec.agent.minSignature = 'v1';
    }),
    reason: undefined,
  },
  ...['https://1.2.3.999:8443', 'https://host.123', 'https://1.2.3.4.5', 'https://[::g]:8443'].map((url) => ({
    name: `${url} is no URL`,
    input: inputWith((node) => {
      node.spec.agent.url = url;
    }),
    reason: 'InvalidSpec' as const,
  })),
  {
    name: 'plain http is not allowed',
    input: inputWith((node) => {
      node.spec.agent.url = 'http://fra1.example.net:8080';
    }),
    reason: 'URLNotAllowed',
  },
  {
    name: 'plain http is allowed where the operator allows it',
    input: inputWith(
      (node) => {
        node.spec.agent.url = 'http://fra1.example.net:8080';
      },
      { policy: { ...POLICY, allowHttpAgents: true } },
    ),
    reason: undefined,
  },
  {
    name: 'S1: the Secret of the agent is missing',
    input: inputWith(nothing, { agentSecret: { kind: 'missing' } }),
    reason: 'SecretNotFound',
  },
  {
    name: 'S5: the Secret of the agent may not be read',
    input: inputWith(nothing, { agentSecret: { kind: 'forbidden' } }),
    reason: 'SecretForbidden',
  },
  {
    name: 'the Secret of the agent has no hmac-key',
    input: withAgentSecret({ 'ca.crt': 'PEM' }),
    reason: 'InvalidCredentials',
  },
  {
    name: 'a ca.crt that is garbage opens no door',
    input: withAgentSecret({ 'hmac-key': HMAC_KEY, 'ca.crt': 'PEM' }),
    reason: 'InvalidCredentials',
  },
  {
    name: 'C14: the next key of the signature is judged like the first',
    input: withAgentSecret({ 'hmac-key': HMAC_KEY, 'next-hmac-key': 'x'.repeat(15) }),
    reason: 'InvalidCredentials',
  },
  {
    name: 'an hmac-key of 15 bytes is too short, whatever white space is around it',
    input: withAgentSecret({ 'hmac-key': `${'x'.repeat(15)}  \n` }),
    reason: 'InvalidCredentials',
  },
  {
    name: 'an hmac-key of 16 bytes is enough',
    input: withAgentSecret({ 'hmac-key': 'x'.repeat(16) }),
    reason: undefined,
  },
  {
    name: 'a client certificate needs its key',
    input: withAgentSecret({ 'hmac-key': HMAC_KEY, 'tls.crt': 'PEM' }),
    reason: 'InvalidCredentials',
  },
  {
    name: 'a client key needs its certificate',
    input: withAgentSecret({ 'hmac-key': HMAC_KEY, 'tls.key': 'PEM' }),
    reason: 'InvalidCredentials',
  },
  {
    name: 'S1: the Secret with the private key is missing',
    input: inputWith(nothing, { keySecret: { kind: 'missing' } }),
    reason: 'SecretNotFound',
  },
  {
    name: 'S5: the Secret with the private key may not be read',
    input: inputWith(nothing, { keySecret: { kind: 'forbidden' } }),
    reason: 'SecretForbidden',
  },
  {
    name: 'the Secret has not the named key',
    input: inputWith(nothing, { keySecret: found({ other: PRIVATE_KEY }) }),
    reason: 'InvalidKey',
  },
  { name: 'S2: a key with a trailing newline is good', input: withKey(`${PRIVATE_KEY}\n`), reason: undefined },
  { name: 'S2: a key of 43 characters is bad', input: withKey(PRIVATE_KEY.slice(1)), reason: 'InvalidKey' },
  { name: 'S2: a key of 45 characters is bad', input: withKey(`A${PRIVATE_KEY}`), reason: 'InvalidKey' },
  { name: 'S2: base64 that is not canonical is bad', input: withKey(`${'A'.repeat(42)}B=`), reason: 'InvalidKey' },
  { name: 'S2: the key of zeros is bad', input: withKey(`${'A'.repeat(43)}=`), reason: 'InvalidKey' },
  { name: 'S2: an empty key is bad', input: withKey(''), reason: 'InvalidKey' },
  {
    name: 'who only looks needs no Secret with the private key',
    input: inputWith(observing, { keySecret: { kind: 'missing' } }),
    reason: undefined,
  },
  {
    name: 'who only looks needs no rights to it either',
    input: inputWith(observing, { keySecret: { kind: 'forbidden' } }),
    reason: undefined,
  },
  {
    name: 'who only looks is told of a bad key all the same',
    input: inputWith(observing, { keySecret: found({ privateKey: 'bad' }) }),
    reason: 'InvalidKey',
  },
  {
    name: 'who only looks is told of a bad value all the same, with no key to compare',
    input: inputWith(
      (node) => {
        observing(node);
        node.spec.interface.mtu = 1;
      },
      { keySecret: { kind: 'missing' } },
    ),
    reason: 'InvalidSpec',
  },
  {
    name: 'an address that is none is bad',
    input: inputWith((node) => {
      node.spec.interface.addresses = ['10.0.0.256/24'];
    }),
    reason: 'InvalidSpec',
  },
  {
    name: 'an address in two spellings is one address twice',
    input: inputWith((node) => {
      node.spec.interface.addresses = ['10.0.0.1', '10.0.0.1/32'];
    }),
    reason: 'InvalidSpec',
  },
  {
    name: 'an MTU below 1280 is bad with IPv6',
    input: inputWith((node) => {
      Object.assign(node.spec.interface, { mtu: 1_279, addresses: ['fd00::1/64'] });
    }),
    reason: 'InvalidSpec',
  },
  {
    name: 'a hook of two lines is bad',
    input: inputWith((node) => {
      node.spec.interface.postUp = ['ip link\nreboot'];
    }),
    reason: 'InvalidSpec',
  },
];

describe('check', () => {
  test.each(cases)('$name', ({ input, reason }) => {
    expect(reasonOf(check(input))).toBe(reason);
  });
});

describe('checkAgent', () => {
  const ofAgent = new Set<RefusalReason | undefined>(['InvalidCredentials', 'URLNotAllowed', 'SecretForbidden']);

  test.each(cases.filter(({ reason, name }) => ofAgent.has(reason) && !name.includes('private key')))(
    'judges the way to the agent as check does: $name',
    ({ input, reason }) => {
      expect(checkAgent(input)?.reason).toBe(reason);
    },
  );

  test.each([
    { name: 'a URL that is none', url: 'https://1.2.3.999:8443', reason: 'InvalidSpec' },
    { name: 'signature scheme v2', minSignature: 'v2', reason: 'Unsupported' },
  ])('refuses $name', ({ url, minSignature, reason }) => {
    const input = inputWith(({ spec }) => {
      if (url !== undefined) spec.agent.url = url;
      Object.assign(spec.agent, { minSignature });
    });
    expect(checkAgent(input)?.reason).toBe(reason);
  });

  test('refuses where the Secret of the agent is missing', () => {
    expect(checkAgent(inputWith(nothing, { agentSecret: { kind: 'missing' } }))?.reason).toBe('SecretNotFound');
  });

  test.each([
    {
      name: 'the Secret with the private key is missing',
      input: inputWith(nothing, { keySecret: { kind: 'missing' } }),
    },
    { name: 'the private key is bad', input: withKey('bad') },
    {
      name: 'a value of the interface is bad',
      input: inputWith(({ spec }) => {
        spec.interface.mtu = 1;
      }),
    },
  ])('the interface is none of its business: $name', ({ input }) => {
    expect(check(input).kind).toBe('refused');
    expect(checkAgent(input)).toBeUndefined();
  });
});

test('T14: no value of a Secret is ever in a message', () => {
  const value = fc.string({
    minLength: 8,
    maxLength: 60,
    unit: fc.constantFrom('Q', 'X', 'z', 'j', '0', '8', '+', '/', '='),
  });
  const property = fc.property(value, value, value, (hmac, cert, key) => {
    const keySecret = found({ privateKey: key });
    const secrets = [
      { 'hmac-key': hmac, 'tls.crt': cert },
      { 'hmac-key': HMAC_KEY },
      { 'hmac-key': hmac, 'ca.crt': cert },
    ];
    for (const tried of secrets.map((data) => inputWith(nothing, { agentSecret: found(data), keySecret }))) {
      const checked = check(tried);
      const message = checked.kind === 'refused' ? checked.refusal.message : '';
      for (const secret of [hmac, cert, key]) expect(message).not.toContain(secret);
    }
  });
  fc.assert(property);
});

test('what passed every check has all that the reconcile works with', () => {
  const checked = check(inputWith());
  expect(checked).toMatchObject({ kind: 'ready', ready: { desired: { state: 'up' } } });
  expect(checked.kind === 'ready' && checked.ready.credentials.get('hmac-key')?.reveal()).toBe(HMAC_KEY);
  // Of the private key only the public half: the whole of it is read when it is sent.
  const key = checked.kind === 'ready' ? checked.ready.desired.config.privateKey : null;
  expect([key?.publicKey, key?.privateKey]).toEqual([PUBLIC_KEY, null]);
});

test('who only looks, without the Secret of the key, wants no key', () => {
  const checked = check(inputWith(observing, { keySecret: { kind: 'missing' } }));
  expect(checked).toMatchObject({ kind: 'ready', ready: { desired: { publicKey: '', config: { privateKey: null } } } });
});

import { access, readdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { newName, type Reply, startAgent, type TestAgent } from './support/test-agent.ts';

const leaks = createLeakWatch();
const key = newPrivateKey();
const previousKey = newPrivateKey();
let agent: TestAgent;
const name = newName();
let before: readonly string[];

beforeAll(async () => {
  agent = await startAgent({ leaks });
});
// A refusal that fails to be one must not spoil the tests after it.
beforeEach(async () => {
  for (const file of await readdir(agent.host.configFolder)) await rm(agent.host.configPath(file.replace('.conf', '')));
  await agent.write(name, `# mine\n[Interface]\nPrivateKey = ${previousKey}\nListenPort = 51820\nPostUp = echo a\n`);
  before = await agent.fingerprint();
});
afterAll(async () => {
  await agent.close();
  leaks.expectNone();
});

/** PUT to a file that is there and to one that is not: refused both times, and nothing on disk moved. */
async function expectRefused(body: unknown, expected: { status: number; code: string; path: string }): Promise<void> {
  for (const target of [name, newName()]) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await agent.call({ method: 'PUT', path: `/v1/wg/${target}/config`, body: text });
    expect(reply.json).toMatchObject({ code: expected.code, error: expect.stringMatching(/./) });
    expect(reply.status).toBe(expected.status);
    expect(detailsOf(reply).some((detail) => detail.includes(expected.path))).toBe(true);
    expect(await agent.fingerprint()).toEqual(before);
  }
}

const detailsOf = ({ json }: Reply): readonly string[] => json['details'] as string[];

const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('a body that does not fit is 422, with the field in its details', () => {
  test.each([
    { field: 'private_key', value: null },
    { field: 'private_key', value: 5 },
    { field: 'private_key', value: [key] },
    { field: 'private_key', value: `${key}${' '.repeat(21)}` },
    { field: 'listen_port', value: '51820' },
    { field: 'listen_port', value: 51_820.5 },
    { field: 'listen_port', value: true },
    { field: 'listen_port', value: -1 },
    { field: 'listen_port', value: 65_536 },
    { field: 'mtu', value: '1420' },
    { field: 'mtu', value: 65_536 },
    { field: 'mtu', value: [] },
    { field: 'fw_mark', value: '0x2a' },
    { field: 'fw_mark', value: -1 },
    { field: 'fw_mark', value: 4_294_967_296 },
    { field: 'table', value: 1234 },
    { field: 'table', value: ['off'] },
    { field: 'table', value: 'x'.repeat(33) },
    ...['address', 'dns', 'pre_up', 'post_up', 'pre_down', 'post_down'].flatMap((field) => [
      { field, value: 5 },
      { field, value: true },
      { field, value: {} },
      { field, value: [5] },
      { field, value: [null] },
      { field, value: [''] },
      { field, value: [['a']] },
      { field, value: repeat(1025, '10.0.0.1') },
      { field, value: ['x'.repeat(65_537)] },
      { field, value: 'x'.repeat(65_537) },
    ]),
    { field: 'options', value: null },
    { field: 'options', value: [] },
    { field: 'options/dry_run', value: 'true' },
    { field: 'options/max_impact', value: 'Some' },
    { field: 'options/if_digest', value: 5 },
    { field: 'options/state', value: 'sideways' },
    { field: 'options/request_id', value: 'x'.repeat(65) },
  ])('$field: $value', async ({ field, value }) => {
    const [outer = '', inner] = field.split('/');
    const body = { private_key: key, [outer]: inner === undefined ? value : { [inner]: value } };
    await expectRefused(body, { status: 422, code: 'schema', path: `/${field}` });
  });

  test('a missing key', async () => {
    await expectRefused({ listen_port: 51_820 }, { status: 422, code: 'schema', path: 'private_key' });
  });

  test.each(['fwmark', 'privateKey', 'peers', 'PostUp', '__proto__', 'constructor'])(
    'the unknown field %s',
    async (field) => {
      const body = `{"private_key":"${key}","${field}":"echo a"}`;
      await expectRefused(body, { status: 422, code: 'schema', path: field });
    },
  );

  test.each(['confirm', 'dryRun'])('the unknown option %s', async (field) => {
    const body = { private_key: key, options: { [field]: true } };
    await expectRefused(body, { status: 422, code: 'schema', path: field });
  });

  test.each([[[]], [null], [5], ['"text"'], [true]])('%j instead of an object', async (body) => {
    await expectRefused(body, { status: 422, code: 'schema', path: 'object' });
  });

  test('all faults are told at once', async () => {
    const body = { private_key: key, mtu: 'x', listen_port: 'x', colour: 'x' };
    const reply = await agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body });
    expect(detailsOf(reply)).toHaveLength(3);
  });
});

test.each(['', '{', 'private_key=x', `{"private_key": "${key}",}`, `{'private_key': '${key}'}`, '\ufeff{}'])(
  'a body that is no JSON is 400: %#',
  async (body) => {
    const reply = await agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body });
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({ code: 'bad_request', error: 'The request body must be JSON' });
    expect(await agent.fingerprint()).toEqual(before);
  },
);

describe('a bad value is 400, with the path of the resource in its details', () => {
  const zero = `${'A'.repeat(43)}=`;
  test.each([
    { what: 'empty', value: '' },
    { what: 'all zero', value: zero },
    { what: 'cut short', value: key.slice(0, 43) },
    { what: 'not canonical', value: `${key.slice(0, 42)}B=` },
    { what: 'hexadecimal', value: Buffer.from(key, 'base64').toString('hex') },
    { what: 'with a line feed behind it', value: `${key}\n` },
    { what: 'with a space before it', value: ` ${key}` },
    { what: 'with a second line', value: `${key}\nPostUp=x` },
    { what: 'a word', value: 'change-me' },
  ])('a private key that is $what', async ({ value }) => {
    const path = 'spec.interface.privateKeySecretRef';
    await expectRefused({ private_key: value }, { status: 400, code: 'invalid_value', path });
  });

  const line = '\nPostUp = touch /tmp/wgnode-contract';
  test.each([
    { field: 'mtu', value: 575, path: 'mtu' },
    { field: 'mtu', value: 1, path: 'mtu' },
    { field: 'table', value: 'main', path: 'table' },
    { field: 'table', value: '0', path: 'table' },
    { field: 'table', value: '-1', path: 'table' },
    { field: 'table', value: '4294967296', path: 'table' },
    { field: 'table', value: 'off\n', path: 'table' },
    { field: 'table', value: `off${line}`.slice(0, 32), path: 'table' },
    { field: 'address', value: '10.0.0.1/33', path: 'addresses' },
    { field: 'address', value: '10.0.0', path: 'addresses' },
    { field: 'address', value: '010.0.0.1/24', path: 'addresses' },
    { field: 'address', value: '10.0.0.1/24/24', path: 'addresses' },
    { field: 'address', value: '10.0.0.1/024', path: 'addresses' },
    { field: 'address', value: '10.0.0.1/', path: 'addresses' },
    { field: 'address', value: ['fd00::1/129'], path: 'addresses' },
    { field: 'address', value: ['fe80::1%eth0/64'], path: 'addresses' },
    { field: 'address', value: ['10.0.0.1/24', '10.0.0.1/24'], path: 'addresses' },
    { field: 'address', value: 'wg.example.org', path: 'addresses' },
    { field: 'address', value: '10.0.0.1/24 # x', path: 'addresses' },
    { field: 'address', value: `10.0.0.1/24${line}`, path: 'addresses' },
    { field: 'address', value: ['10.0.0.1/24\n'], path: 'addresses' },
    { field: 'dns', value: 'under!score', path: 'dns' },
    { field: 'dns', value: ['-x'], path: 'dns' },
    { field: 'dns', value: 'example.org', path: 'dns' },
    { field: 'dns', value: ['192.0.2.53\n'], path: 'dns' },
    { field: 'dns', value: `192.0.2.53${line}`, path: 'dns' },
    { field: 'dns', value: '192.0.2.53 $(id)', path: 'dns' },
  ])('$field: $value', async ({ field, value, path }) => {
    const body = { private_key: key, [field]: value };
    await expectRefused(body, { status: 400, code: 'invalid_value', path: `spec.interface.${path}` });
  });

  test('an MTU below 1280 beside an IPv6 address', async () => {
    const body = { private_key: key, mtu: 1279, address: 'fd00::1/64' };
    await expectRefused(body, { status: 400, code: 'invalid_value', path: 'spec.interface.mtu' });
  });
});

const HOOKS = [
  { field: 'pre_up', path: 'preUp' },
  { field: 'post_up', path: 'postUp' },
  { field: 'pre_down', path: 'preDown' },
  { field: 'post_down', path: 'postDown' },
];

describe.each(HOOKS)('a bad line in $field is 400 invalid_hook', ({ field, path }) => {
  test.each([
    { what: 'a line feed', hook: 'echo a\nPostUp = echo b' },
    { what: 'a carriage return', hook: 'echo a\rPostUp = echo b' },
    { what: 'a vertical tab', hook: 'echo a\vb' },
    { what: 'a NUL', hook: 'echo a\0b' },
    { what: 'a next-line character', hook: 'echo a\u0085b' },
    { what: 'a line separator', hook: 'echo a\u2028b' },
    { what: 'half of a surrogate pair, which no UTF-8 file can hold', hook: 'echo \ud83d' },
    { what: 'a comment', hook: 'echo a # b' },
    { what: 'white space only, as an item', hook: '   ' },
    { what: 'an open quote', hook: 'echo "a' },
    { what: 'an open if', hook: 'if true; then echo a' },
    { what: 'nothing behind &&', hook: 'echo a &&' },
    { what: 'a bracket too many', hook: 'echo a )' },
  ])('$what', async ({ hook }) => {
    const expected = { status: 400, code: 'invalid_hook', path: `spec.interface.${path}[1]` };
    await expectRefused({ private_key: key, [field]: ['echo fine', hook] }, expected);
    if (hook.trim() === '') return;
    const single = { ...expected, path: `spec.interface.${path}[0]` };
    await expectRefused({ private_key: key, [field]: hook }, single);
  });

  test('more than 4096 characters', async () => {
    const expected = { status: 400, code: 'invalid_hook', path: `spec.interface.${path}[0]` };
    await expectRefused({ private_key: key, [field]: `echo ${'a'.repeat(4092)}` }, expected);
  });
});

describe('a key that was put into the wrong field is not echoed', () => {
  const stray = newPrivateKey();
  test.each([
    { field: 'listen_port', value: stray },
    { field: 'mtu', value: stray },
    { field: 'fw_mark', value: stray },
    { field: 'table', value: stray },
    { field: 'table', value: stray.slice(0, 31) },
    { field: 'address', value: stray },
    { field: 'address', value: [stray] },
    { field: 'dns', value: stray },
    { field: 'dns', value: [stray] },
    { field: 'post_up', value: `echo "${stray}` },
    { field: 'pre_up', value: [`${stray} # x`] },
    { field: 'options', value: { state: stray } },
    { field: 'options', value: { max_impact: stray } },
    { field: 'options', value: { [stray]: true } },
    { field: 'colour', value: stray },
    { field: stray, value: 1 },
  ])('%#', async ({ field, value }) => {
    const body = { private_key: key, [field]: value };
    const reply = await agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body });
    expect([400, 422]).toContain(reply.status);
    expect(reply.text.includes(stray)).toBe(false);
    expect(await agent.fingerprint()).toEqual(before);
  });
});

describe('the policy on hooks', () => {
  let strict: TestAgent;
  beforeAll(async () => {
    strict = await startAgent({ leaks, settings: { hooks: { mode: 'off', allowed: [] } } });
    await strict.write(name, `[Interface]\nPrivateKey = ${key}\nPreUp = echo a\nPostUp = echo b; echo c\n`);
  });
  afterAll(() => strict.close());
  const put = (body: object): Promise<Reply> =>
    strict.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: key, ...body } });

  test.each(HOOKS)('off refuses a new $field with 403 hooks_off', async ({ field, path }) => {
    const untouched = await strict.fingerprint();
    const reply = await put({ post_up: 'echo b; echo c', [field]: ['echo new'] });
    expect(reply.status).toBe(403);
    expect(reply.json).toMatchObject({ code: 'hooks_off', details: [`spec.interface.${path}`] });
    expect(await strict.fingerprint()).toEqual(untouched);
  });

  test('off runs nothing of a new hook, not even to look at its grammar', async () => {
    const bashes = strict.host.runner.spawned.get('bash');
    await put({ post_up: 'echo new' });
    expect(strict.host.runner.spawned.get('bash')).toBe(bashes);
  });

  test('off takes hooks that the file has, in lines or joined', async () => {
    expect((await put({ post_up: ['echo b', 'echo c'], mtu: 1400 })).status).toBe(200);
    expect(await strict.read(name)).toContain('PostUp = echo b; echo c\n');
  });

  test('off takes hooks away', async () => {
    expect((await put({ pre_up: null })).status).toBe(200);
    expect(await strict.read(name)).not.toContain('echo');
  });
});

test('a bad hook is only looked at, never run', async () => {
  const marker = `${agent.stateFolder}/marker`;
  for (const post_up of [`touch ${marker}; if`, `$(touch ${marker}) (`, `x=$(touch ${marker}); echo "`]) {
    const reply = await agent.call({
      method: 'PUT',
      path: `/v1/wg/${name}/config`,
      body: { private_key: key, post_up },
    });
    expect(reply.json).toMatchObject({ code: 'invalid_hook' });
  }
  await expect(access(marker)).rejects.toMatchObject({ code: 'ENOENT' });
});

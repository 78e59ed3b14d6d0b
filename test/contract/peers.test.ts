import { describe, expect, test } from '@jest/globals';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from '../support/canary.ts';
import { mustRun, run } from '../support/lab/run.ts';
import { keyWithSlash, newPublicKey, peerCalls } from './support/peer-calls.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const { made, post, put, remove, sync, live, file } = peerCalls(agent);

describe.each([{ isUp: true }, { isUp: false }])('peers of an interface, up: $isUp', ({ isUp }) => {
  test('are made, changed and removed in file and kernel together; all else of the file stays, and nothing is saved by wg-quick', async () => {
    const { name, own, text } = await made(isUp);
    const key = newPublicKey();
    const psk = newPrivateKey();
    const added = await post(name, {
      public_key: key,
      allowed_ips: ['10.9.0.7/32'],
      preshared_key: psk,
      persistent_keepalive: 25,
    });
    expect([added.status, added.json]).toEqual([
      200,
      {
        status: 'success',
        message: 'Peer added successfully',
        changed: true,
        peer: { public_key: key, allowed_ips: ['10.9.0.7/32'] },
      },
    ]);
    const section = `\n[Peer]\nPublicKey = ${key}\nPresharedKey = ${psk}\nAllowedIPs = 10.9.0.7/32\nPersistentKeepalive = 25\n`;
    expect(await file(name)).toBe(text + section);
    if (isUp) expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`, `${key} 10.9.0.7/32 25`].sort());
    const changed = await put(name, key, { allowed_ips: ['10.9.0.8/32', 'fd00::8/128'], persistent_keepalive: 0 });
    expect([changed.status, changed.json]).toEqual([
      200,
      { status: 'success', message: 'Peer updated successfully', changed: true },
    ]);
    expect(await file(name)).toContain(`PresharedKey = ${psk}\nAllowedIPs = 10.9.0.8/32, fd00::8/128\n`);
    if (isUp) expect(await live(name)).toContain(`${key} 10.9.0.8/32,fd00::8/128 off`);
    const gone = await remove(name, key);
    expect([gone.status, gone.json]).toEqual([
      200,
      { status: 'success', message: 'Peer removed successfully', changed: true },
    ]);
    expect((await file(name))?.trimEnd()).toBe(text.trimEnd());
    if (isUp) expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
  });

  test('N2, N22: the same again changes nothing, and the file keeps its inode', async () => {
    const { name, own } = await made(isUp);
    const before = await agent.fingerprint();
    for (const reply of [
      await post(name, { public_key: own, allowed_ips: ['10.9.0.2/32'] }),
      await post(name, { public_key: own, allowed_ips: [], persistent_keepalive: 0, preshared_key: '' }),
      await put(name, own, {}),
      await put(name, own, { allowed_ips: null, persistent_keepalive: null }),
      await remove(name, newPublicKey()),
    ])
      expect([reply.status, reply.json['changed']]).toEqual([200, false]);
    expect(await agent.fingerprint()).toEqual(before);
  });

  test('N18: keys with a slash, raw and encoded', async () => {
    const { name } = await made(isUp);
    const key = keyWithSlash();
    expect((await post(name, { public_key: key, allowed_ips: ['10.9.0.9/32'] })).status).toBe(200);
    expect((await put(name, key, { persistent_keepalive: 15 })).status).toBe(200);
    expect(await file(name)).toContain('PersistentKeepalive = 15');
    expect((await put(name, encodeURIComponent(key), { persistent_keepalive: 20 })).status).toBe(200);
    expect(await file(name)).toContain('PersistentKeepalive = 20');
    expect((await remove(name, encodeURIComponent(key))).status).toBe(200);
    expect(await file(name)).not.toContain(key);
  });

  test('an address that another peer gets leaves the one that had it, in file and kernel', async () => {
    const { name, own } = await made(isUp);
    const key = newPublicKey();
    await post(name, { public_key: key, allowed_ips: ['10.9.0.2/32'] });
    expect(await file(name)).toContain(`PublicKey = ${own}\n\n[Peer]\nPublicKey = ${key}\nAllowedIPs = 10.9.0.2/32\n`);
    if (isUp) expect(await live(name)).toEqual([`${own} (none) off`, `${key} 10.9.0.2/32 off`].sort());
  });

  test('N17: syncconf takes the peers of the text, and wipes neither key nor port nor what it does not speak of', async () => {
    const { name, own, text } = await made(isUp);
    const [kept, runtime] = [newPublicKey(), newPublicKey()];
    if (isUp) await mustRun(['wg', 'set', name, 'peer', runtime, 'allowed-ips', '10.9.0.99/32']);
    const key = isUp ? await mustRun(['wg', 'show', name, 'private-key']) : '';
    const reply = await sync(
      name,
      `[Peer]\nPublicKey = ${kept}\nAllowedIPs = 10.9.0.5/32, 10.9.0.6/32\nPersistentKeepalive = 10\n`,
    );
    expect([reply.status, reply.json]).toEqual([
      200,
      { status: 'success', message: 'Configuration synchronized successfully', changed: true },
    ]);
    const now = (await file(name)) ?? '';
    expect(now.startsWith(text.slice(0, text.indexOf('# Alice')))).toBe(true);
    expect([now.includes(own), now.includes(kept)]).toEqual([false, true]);
    if (!isUp) return;
    expect(await mustRun(['wg', 'show', name, 'private-key'])).toBe(key);
    expect(await live(name)).toEqual([`${kept} 10.9.0.5/32,10.9.0.6/32 10`, `${runtime} 10.9.0.99/32 off`].sort());
  });

  test('syncconf with the interface part, as the old agent wanted it: port and key are set as well', async () => {
    const { name, own } = await made(isUp);
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const key = newPrivateKey();
    const text = `[Interface]\nPrivateKey = ${key}\nListenPort = ${String(port)}\n[Peer]\nPublicKey = ${own}\nAllowedIPs = 10.9.0.2/32\n`;
    expect((await sync(name, text)).status).toBe(200);
    expect(await file(name)).toContain(`ListenPort = ${String(port)}`);
    if (isUp) expect((await mustRun(['wg', 'show', name, 'listen-port'])).trim()).toBe(String(port));
    expect((await sync(name, text)).json['changed']).toBe(false);
  });
});

describe('what is refused leaves everything as it was', () => {
  test.each<{ what: string; call: (name: string, own: string) => Promise<Reply>; status: number; code: string }>([
    { what: 'a key that is none', call: (name) => post(name, { public_key: 'x' }), status: 400, code: 'invalid_value' },
    { what: 'no key', call: (name) => post(name, {}), status: 422, code: 'schema' },
    {
      what: 'an address that is none',
      call: (name, own) => post(name, { public_key: own, allowed_ips: [''] }),
      status: 400,
      code: 'invalid_value',
    },
    {
      what: 'N5: a line in an address',
      call: (name, own) => put(name, own, { allowed_ips: ['10.0.0.1/32\nPostUp = x'] }),
      status: 400,
      code: 'invalid_value',
    },
    {
      what: 'a keepalive beyond its range',
      call: (name, own) => put(name, own, { persistent_keepalive: 70_000 }),
      status: 422,
      code: 'schema',
    },
    {
      what: 'a preshared key that is none',
      call: (name, own) => post(name, { public_key: own, preshared_key: 'x' }),
      status: 400,
      code: 'invalid_value',
    },
    { what: 'a path that is no key', call: (name) => remove(name, 'x/y'), status: 400, code: 'invalid_value' },
    {
      what: 'an interface that is not there',
      call: () => post(newName(), { public_key: newPublicKey() }),
      status: 404,
      code: 'not_found',
    },
    {
      what: 'text that is no base64, which would be an empty file',
      call: (name) => agent.call({ method: 'POST', path: `/v1/wg/${name}/syncconf`, body: { config: '!!!!' } }),
      status: 400,
      code: 'bad_request',
    },
    { what: 'an empty text', call: (name) => sync(name, '\n'), status: 400, code: 'invalid_file' },
    {
      what: 'N17: a text of something else',
      call: (name) => sync(name, 'Not Found'),
      status: 400,
      code: 'invalid_file',
    },
    { what: 'N17: a comment alone', call: (name) => sync(name, '# nothing'), status: 400, code: 'invalid_file' },
    { what: 'N17: no peer at all', call: (name) => sync(name, '[Interface]\n'), status: 400, code: 'invalid_file' },
    {
      what: 'keys of wg-quick',
      call: (name) => sync(name, '[Interface]\nAddress = 10.0.0.1/24\n'),
      status: 400,
      code: 'invalid_file',
    },
    {
      what: 'a private key that is none',
      call: (name) => sync(name, '[Interface]\nPrivateKey = x\n'),
      status: 400,
      code: 'invalid_file',
    },
    {
      what: 'a peer without a key',
      call: (name) => sync(name, '[Peer]\nAllowedIPs = 10.0.0.1/32\n'),
      status: 400,
      code: 'invalid_file',
    },
  ])('$what', async ({ call, status, code }) => {
    const { name, own } = await made(true);
    const before = await agent.fingerprint();
    const reply = await call(name, own);
    expect([reply.status, reply.json['code'], typeof reply.json['error']]).toEqual([status, code, 'string']);
    expect(await agent.fingerprint()).toEqual(before);
  });
});

describe('routes to what a peer gets', () => {
  const inTable = async (name: string, table: string): Promise<string> =>
    (await run(['ip', 'route', 'show', 'table', table, 'dev', name])).stdout;
  let nets = 0;
  const started = async (table: string, more = ''): Promise<string> => {
    const { name, text } = await made(false);
    await agent.write(
      name,
      text
        .replace('Table = off', `Table = ${table}${more}`)
        .replace('10.9.0.1/24', '10.211.0.1/32')
        .replace('10.9.0.2/32', `10.211.1.${String((nets += 1))}/32`),
    );
    expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(200);
    return name;
  };

  test('in a table of its own are made, the default route too', async () => {
    const name = await started('4713');
    expect((await post(name, { public_key: newPublicKey(), allowed_ips: ['10.212.0.0/16', '0.0.0.0/0'] })).status).toBe(
      200,
    );
    expect(await inTable(name, '4713')).toMatch(/default [^]*10\.212\.0\.0\/16/);
  });

  test('are none where a route of the device covers it, whoever else has one', async () => {
    const name = await started('auto', '\nPostUp = ip route add 10.213.0.0/16 dev %i');
    const other = newName();
    await mustRun(['ip', 'tuntap', 'add', 'dev', other, 'mode', 'tun']);
    await mustRun(['ip', 'link', 'set', other, 'up']);
    await mustRun(['ip', 'route', 'add', '10.213.7.0/24', 'dev', other]);
    const reply = await post(name, { public_key: newPublicKey(), allowed_ips: ['10.213.7.0/24'] });
    await mustRun(['ip', 'link', 'delete', other]);
    expect(reply.status).toBe(200);
    expect(await inTable(name, 'main')).not.toContain('10.213.7.0/24');
  });

  test('are refused where another device has the very network, one of few or one of many', async () => {
    const name = await started('auto');
    const other = newName();
    await mustRun(['ip', 'tuntap', 'add', 'dev', other, 'mode', 'tun']);
    await mustRun(['ip', 'link', 'set', other, 'up']);
    await mustRun(['ip', 'route', 'add', '10.214.0.0/24', 'dev', other]);
    const many = Array.from({ length: 40 }, (_, at) => `10.214.${String(at)}.0/24`);
    for (const allowedIps of [['10.214.0.0/24'], many])
      expect((await post(name, { public_key: newPublicKey(), allowed_ips: allowedIps })).json['code']).toBe(
        'route_conflict',
      );
    await mustRun(['ip', 'link', 'delete', other]);
    expect((await post(name, { public_key: newPublicKey(), allowed_ips: many })).status).toBe(200);
    expect((await inTable(name, 'main')).match(/10\.214\./g)).toHaveLength(40);
  });
});

test('the own key of the interface is no peer of it', async () => {
  const { name, text } = await made(true);
  const own = publicKeyOf(new Secret(/PrivateKey = (\S+)/.exec(text)?.[1] ?? ''));
  const reply = await post(name, { public_key: own, allowed_ips: ['10.9.0.9/32'] });
  expect([reply.status, reply.json['code']]).toEqual([409, 'key_is_peer']);
  const port = await mustRun(['wg', 'show', name, 'listen-port']);
  const moved = `[Interface]\nListenPort = 40444\n[Peer]\nPublicKey = ${own}\n`;
  expect((await sync(name, moved)).json['code']).toBe('key_is_peer');
  expect(await mustRun(['wg', 'show', name, 'listen-port'])).toBe(port);
  expect(await file(name)).toBe(text);
});

test('old clients send the same twice within a second: both are calls, and the last one counts', async () => {
  const { name } = await made(false);
  const timestamp = String(agent.nextSecond());
  const call = (verb: string): Promise<Reply> =>
    agent.call({ method: 'POST', path: `/v1/wg/${name}/${verb}`, timestamp });
  expect((await call('enable')).json).toMatchObject({ was_down: true });
  expect((await call('disable')).json).toMatchObject({ was_up: true });
  expect((await call('enable')).json).toMatchObject({ was_down: true });
  expect(await live(name)).toHaveLength(1);
  // Later it is a replay: answered from memory, without an effect.
  await agent.call({ method: 'POST', path: `/v1/wg/${name}/disable` });
  expect((await call('enable')).json).toMatchObject({ was_down: true });
  await expect(live(name)).rejects.toThrow();
});

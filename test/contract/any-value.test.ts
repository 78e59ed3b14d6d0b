import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isConfigResponse } from '../../controller/drivers/wgnode/parse-response.ts';
import { FIELD_NAMES, fieldOf } from '../../agent/protocol/wgquick/fields.ts';
import { arbitraryText, RUNS } from '../fixtures/arbitraries.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { newName, startAgent, type TestAgent } from './support/test-agent.ts';

const PEER_KEYS = ['PublicKey', 'PresharedKey', 'AllowedIPs', 'Endpoint', 'PersistentKeepalive'];
const INTERFACE_KEYS = [...FIELD_NAMES.map((name) => fieldOf(name).key), 'SaveConfig'];

interface InvalidEntry {
  readonly line: number;
  readonly key: string;
  readonly text: string;
}

describe('N24: a file is read whatever stands in it', () => {
  const leaks = createLeakWatch();
  const name = newName();
  let agent: TestAgent;

  beforeAll(async () => {
    agent = await startAgent({ leaks });
  });
  afterAll(() => agent.close());

  const read = async (
    text: string,
  ): Promise<{ status: number; invalid: InvalidEntry[]; drift: { path: string }[] }> => {
    await agent.write(name, text);
    const { status, json } = await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(isConfigResponse(json)).toBe(true);
    return { status, ...(json as unknown as { invalid: InvalidEntry[]; drift: { path: string }[] }) };
  };

  test('an address that is none is named with its line, and is drift', async () => {
    const { status, invalid, drift } = await read('[Interface]\nAddress = 10.0.0.300/24\nMTU = 1400\n');
    expect({ status, invalid }).toEqual({
      status: 200,
      invalid: [expect.objectContaining({ line: 2, key: 'Address', text: '10.0.0.300/24' })],
    });
    expect(drift).toEqual([{ path: 'spec.interface.addresses', file: '10.0.0.300/24', live: '', impact: 'None' }]);
  });

  test.each([
    ...INTERFACE_KEYS.map((key) => ({ section: 'Interface', key })),
    ...PEER_KEYS.map((key) => ({ section: 'Peer', key })),
  ])(
    'any text as $key of [$section] is answered with 200, in a form that the controller takes',
    async ({ section, key }) => {
      // Half a surrogate pair cannot be in a file of UTF-8.
      const value = arbitraryText.map((text) => text.replace(/[\r\n]/g, '').toWellFormed());
      const property = fc.asyncProperty(value, async (text) => {
        const { status, invalid } = await read(`[${section}]\n${key} = ${text}\n`);
        expect(status).toBe(200);
        // Wherever something is wrong, it is said of this very line.
        expect(invalid.filter((entry) => entry.line !== 2 || entry.key !== key)).toEqual([]);
      });
      await fc.assert(property, { numRuns: Math.ceil(RUNS.numRuns / 8) });
    },
  );

  test('more bad lines than an answer has room for are cut, and the answer is taken', async () => {
    const { status, invalid } = await read(`[Interface]\n${'ListenPort = x\n'.repeat(1_500)}`);
    expect({ status, lines: invalid.length }).toEqual({ status: 200, lines: 1_000 });
  });

  test('case M2: what is none and stays as it is does not make a PUT of something else fail; a list that is sent replaces it', async () => {
    const text = '[Interface]\nAddress = 10.0.0.300/24, 10.9.0.1/24\n';
    await agent.write(name, text);
    const privateKey = Buffer.alloc(32, 9).toString('base64');
    const path = `/v1/wg/${name}/config`;
    const kept = await agent.call({
      method: 'PUT',
      path,
      body: { private_key: privateKey, mtu: 1400 },
      holdsKeys: true,
    });
    expect(kept.status).toBe(200);
    expect(await agent.read(name)).toContain('Address = 10.0.0.300/24, 10.9.0.1/24');
    const sent = await agent.call({
      ...{ method: 'PUT', path, holdsKeys: true },
      body: { private_key: privateKey, mtu: 1400, address: ['10.9.0.1/24'] },
    });
    expect(sent.status).toBe(200);
    expect(await agent.read(name)).toContain('Address = 10.9.0.1/24\n');
  });
});

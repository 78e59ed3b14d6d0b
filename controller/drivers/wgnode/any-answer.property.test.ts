import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CAPABILITIES, type ConfigResponse, type HealthResponse } from '../../../agent/protocol/messages.ts';
import { EMPTY_CONFIG } from '../../../agent/protocol/wgquick/config.ts';
import { specFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import { RUNS } from '../../../test/fixtures/arbitraries.ts';
import { SyncBench } from '../../../test/support/sync-bench.ts';
import { NOW_MS } from '../../../test/support/observed-host.ts';
import { fit } from '../../api/field-schema.ts';
import { STATUS_SCHEMA } from '../../api/wireguardnode-status.generated.ts';
import { statusOf } from '../../policy/status.ts';
import { nodeWith } from '../../../test/support/node-builder.ts';
import { presentOf } from './observation.ts';
import { isConfigResponse } from './parse-response.ts';
import { isHealthResponse } from '../http/health.ts';

/** A good answer, of which members are replaced by anything. */
const GOOD: ConfigResponse = {
  interface: 'wg0',
  config: {
    ...{ private_key: null, listen_port: null, address: null, post_up: null, pre_down: null },
    ...{ mtu: null, dns: null, table: null, raw_config: '' },
  },
  spec: specFromConfig(EMPTY_CONFIG, false),
  live: { listen_port: 1, fw_mark: null, address: [], mtu: 1_420, link_up: true, peer_count: 0 },
  state: 'up',
  public_key: null,
  live_public_key: null,
  unmanaged: [],
  drift: [],
  digest: 'a',
  owner: null,
};
const HEALTH: HealthResponse = {
  ...{ status: 'ok', timestamp: 0, uptime: 1, version: '0', name: 'wgnode-agent', epoch: 'e' },
  capabilities: CAPABILITIES,
};

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.integer({ min: 0, max: 5_000 }).map((length) => 'x'.repeat(length)),
  fc.constantFrom('', '\ud800', '\u0000\u0007', '10.0.0.1/24', 'spec.interface.mtu', 'None', 'Restart'),
);
const anything = fc.oneof(
  text,
  fc.jsonValue({ maxDepth: 3 }),
  fc.array(text, { maxLength: 100 }),
  fc.integer(),
  fc.constant(null),
);
const drift = fc.array(fc.record({ path: text, file: text, live: text, impact: text }), { maxLength: 70 });
const answers = fc.record(
  {
    ...{ interface: anything, state: anything, public_key: anything, live_public_key: anything, digest: text },
    ...{
      live: fc.oneof(
        anything,
        fc.record({ listen_port: anything, mtu: anything, address: anything, peer_count: anything }),
      ),
    },
    ...{ drift: fc.oneof(anything, drift), owner: anything, spec: anything, unknown: anything, settled: anything },
  },
  { requiredKeys: [] },
);
const healths = fc.record({ version: text, epoch: text, capabilities: anything, name: text }, { requiredKeys: [] });

test('C5 C6 no answer of an agent, good or odd, makes a status that is refused, and what is kept of it is small', async () => {
  const property = fc.asyncProperty(answers, healths, async (answer, health) => {
    const config: unknown = { ...GOOD, ...answer };
    const own: unknown = { ...HEALTH, ...health };
    // What is no answer at all is told as a breach of protocol, in our own words.
    if (!isConfigResponse(config) || !isHealthResponse(own)) return;
    const node = nodeWith();
    const bench = new SyncBench(node);
    const observation = presentOf(own, config);
    bench.host.observe = () => Promise.resolve({ kind: 'observed', observation });
    const outcome = await bench.sync();
    const attempt = { failures: 0, nextMs: undefined };
    const status = statusOf({ node, outcome, nowMs: NOW_MS, request: undefined, attempt });
    expect(fit(STATUS_SCHEMA, status)).toEqual(status);
    const { driver: _, former: __, written: ___, ...kept } = bench.local;
    expect(JSON.stringify(kept).length).toBeLessThanOrEqual(4_096);
  });
  await fc.assert(property, { numRuns: Math.min(RUNS.numRuns, 2_000) });
});

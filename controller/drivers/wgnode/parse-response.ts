import { validatorOf } from '../../runtime/validator.ts';
import type { ConfigResponse, DumpResponse, PutConfigResponse } from '../../../agent/protocol/messages.ts';
import { SPEC_PROPERTIES } from '../../../agent/protocol/wgquick/wire.ts';

const text = (maxLength: number): object => ({ type: 'string', maxLength });
const optionalText = (maxLength: number): object => ({ type: ['string', 'null'], maxLength });
const texts = (maxItems: number, maxLength: number): object => ({ type: 'array', maxItems, items: text(maxLength) });
const whole = (maximum: number): object => ({ type: 'integer', minimum: 0, maximum });
const optionalWhole = (maximum: number): object => ({ type: ['integer', 'null'], minimum: 0, maximum });
const IMPACT = { enum: ['None', 'Rehandshake', 'Restart'] };
const PATH = { type: 'string', pattern: '^spec\\.interface\\.[a-zA-Z]{1,32}$' };

type Properties = Readonly<Record<string, object>>;

const shape = (properties: Properties, optional: Properties = {}): object => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...optional },
});

/** Lines of the host's file that hold no value; agents before 0.2 do not tell. */
const INVALID_LINES = {
  type: 'array',
  maxItems: 1_000,
  items: shape({
    line: whole(10_000_000),
    section: { enum: ['interface', 'peer'] },
    key: text(64),
    path: { anyOf: [PATH, { type: 'null' }] },
    text: text(256),
    message: text(256),
  }),
};

const { firewall: INTENTS = {}, ...SPEC_FIELDS }: Properties = SPEC_PROPERTIES;

const OWNER = {
  anyOf: [
    { type: 'null' },
    shape(
      { id: text(64), name: text(317), cluster: text(64), since: text(64) },
      { term: whole(Number.MAX_SAFE_INTEGER) },
    ),
  ],
};

/** What of a ConfigResponse is used: a wrong type, or a value that status has no room for, is a breach of protocol and not our crash. */
const CONFIG_RESPONSE = {
  ...shape(
    {
      interface: text(15),
      state: { enum: ['up', 'down', 'absent'] },
      public_key: optionalText(44),
      live_public_key: optionalText(44),
      digest: text(128),
      // Agents before 0.5 know no intents.
      spec: shape(SPEC_FIELDS, { firewall: INTENTS }),
      live: {
        type: ['object', 'null'],
        required: ['listen_port', 'fw_mark', 'address', 'mtu', 'link_up', 'peer_count'],
        properties: {
          listen_port: whole(65_535),
          fw_mark: optionalWhole(0xffffffff),
          address: texts(4096, 49),
          mtu: whole(65_535),
          link_up: { type: 'boolean' },
          peer_count: whole(1_000_000),
        },
      },
      drift: {
        type: 'array',
        maxItems: 64,
        items: shape({ path: PATH, file: text(65_536), live: text(65_536), impact: IMPACT }),
      },
    },
    { invalid: INVALID_LINES, settled: { type: 'array', maxItems: 64, items: PATH }, owner: OWNER },
  ),
  // Up without a device would pass for "nothing to compare".
  if: { properties: { state: { const: 'up' } } },
  then: { properties: { live: { type: 'object' } } },
};

const PUT_RESPONSE = shape(
  {
    changed: { type: 'boolean' },
    impact: IMPACT,
    outage_ms: whole(2_147_483_647),
    digest: text(128),
    plan: { type: 'array', items: shape({ action: text(64), path: PATH, impact: IMPACT }) },
  },
  { warnings: texts(8, 256), after: CONFIG_RESPONSE },
);

/** Keys that the host reads back are not even looked at. */
const DUMP_RESPONSE = shape({
  interface: text(15),
  peers: {
    type: 'array',
    maxItems: 100_000,
    items: shape({
      public_key: text(44),
      endpoint: optionalText(128),
      allowed_ips: texts(100_000, 49),
      latest_handshake: optionalWhole(Number.MAX_SAFE_INTEGER),
      transfer_rx: whole(Number.MAX_SAFE_INTEGER),
      transfer_tx: whole(Number.MAX_SAFE_INTEGER),
    }),
  },
});

/** Whether a parsed answer to GET config is one. */
export const isConfigResponse = validatorOf<ConfigResponse>(CONFIG_RESPONSE);

/** Whether a parsed answer to GET dump is one. */
export const isDumpResponse = validatorOf<DumpResponse>(DUMP_RESPONSE);

/** Whether a parsed answer to PUT config is that of our agent. */
export const isPutResponse = validatorOf<PutConfigResponse>(PUT_RESPONSE);

import { Ajv, type ValidateFunction } from 'ajv';
import { AgentError } from '../core/agent-error.ts';
import { PUT_CONFIG_SCHEMA, type PutConfigBody } from '../protocol/messages.ts';
import {
  POST_PEER_SCHEMA,
  type PostPeerBody,
  PUT_PEER_SCHEMA,
  type PutPeerBody,
  SYNC_CONF_SCHEMA,
  type SyncConfBody,
} from '../protocol/peer-messages.ts';
import { redactKeys } from '../protocol/redact.ts';

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const isPutConfig = ajv.compile<PutConfigBody>(PUT_CONFIG_SCHEMA);
const isPostPeer = ajv.compile<PostPeerBody>(POST_PEER_SCHEMA);
const isPutPeer = ajv.compile<PutPeerBody>(PUT_PEER_SCHEMA);
const isSyncConf = ajv.compile<SyncConfBody>(SYNC_CONF_SCHEMA);

/** Bodies of the calls, judged by their schemas before anything else is done with them. Throw AgentError. */
export const parseBody = {
  putConfig: (body: Buffer): PutConfigBody => parsed(body, isPutConfig),
  postPeer: (body: Buffer): PostPeerBody => parsed(body, isPostPeer),
  putPeer: (body: Buffer): PutPeerBody => parsed(body, isPutPeer),
  syncConf: (body: Buffer): SyncConfBody => parsed(body, isSyncConf),
} as const;

function parsed<T>(body: Buffer, isOne: ValidateFunction<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AgentError('bad_request', 'The request body must be JSON', { cause: error });
  }
  if (isOne(value)) return value;
  // Never the value itself: it may be a key.
  const details = (isOne.errors ?? []).map(({ instancePath, message, params }) => {
    const extra =
      'additionalProperty' in params ? ` (${redactKeys(String(params['additionalProperty'])).slice(0, 64)})` : '';
    return `${instancePath === '' ? '/' : instancePath}: ${message ?? 'is wrong'}${extra}`;
  });
  throw new AgentError('schema', `The request body does not fit: ${details.join('; ')}`, { details });
}

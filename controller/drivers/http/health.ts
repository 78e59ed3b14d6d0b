import type { HealthResponse } from '../../../agent/protocol/messages.ts';
import { validatorOf } from '../../runtime/validator.ts';

const text = { type: 'string', maxLength: 256 };

/** Also that of the old agent, which has no more than a version and its clock in seconds. */
const HEALTH_RESPONSE = {
  type: 'object',
  required: ['version'],
  properties: {
    version: text,
    name: text,
    epoch: text,
    time: { type: 'number' },
    timestamp: { type: 'number' },
    capabilities: { type: 'array', maxItems: 256, items: text },
  },
};

/** Whether a parsed answer to /health is that of any agent. */
export const isHealthResponse = validatorOf<HealthResponse>(HEALTH_RESPONSE);

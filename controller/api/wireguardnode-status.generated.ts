// Generated from crds/wireguardnodes.wgnode.dev.yaml by hack/generate-types.ts. Do not edit: change the CRD and run `node hack/generate-types.ts`.
import type { FieldSchema } from './field-schema.ts';

/** What the API server takes as the status of a WireGuardNode. */
export const STATUS_SCHEMA: FieldSchema = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64', minimum: -1, maximum: 9007199254740991 },
    conditions: {
      type: 'array',
      maxItems: 16,
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        properties: {
          type: { type: 'string', minLength: 1, maxLength: 316 },
          status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
          observedGeneration: { type: 'integer', format: 'int64', minimum: 0, maximum: 9007199254740991 },
          lastTransitionTime: { type: 'string', format: 'date-time', maxLength: 64 },
          reason: {
            type: 'string',
            minLength: 1,
            maxLength: 1024,
            pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
          },
          message: { type: 'string', minLength: 0, maxLength: 32768 },
        },
      },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    },
    agent: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 0, maxLength: 64 },
        version: { type: 'string', minLength: 0, maxLength: 64 },
        epoch: { type: 'string', minLength: 0, maxLength: 64 },
        certificateNotAfter: { type: 'string', format: 'date-time' },
        capabilities: {
          type: 'array',
          maxItems: 64,
          items: { type: 'string', minLength: 1, maxLength: 64 },
          'x-kubernetes-list-type': 'set',
        },
        limits: {
          type: 'array',
          maxItems: 16,
          items: { type: 'string', minLength: 1, maxLength: 256 },
          'x-kubernetes-list-type': 'atomic',
        },
      },
    },
    interface: {
      type: 'object',
      required: ['state'],
      properties: {
        publicKey: { type: 'string', minLength: 0, maxLength: 44 },
        state: { type: 'string', enum: ['Up', 'Down', 'Absent'] },
        listenPort: { type: 'integer', format: 'int32', minimum: 0, maximum: 65535 },
        addresses: {
          type: 'array',
          maxItems: 64,
          items: { type: 'string', minLength: 1, maxLength: 49 },
          'x-kubernetes-list-type': 'atomic',
        },
        mtu: { type: 'integer', format: 'int32', minimum: 0, maximum: 65535 },
        peerCount: { type: 'integer', format: 'int32', minimum: 0, maximum: 1000000 },
      },
    },
    applied: {
      type: 'object',
      properties: {
        generation: { type: 'integer', format: 'int64', minimum: 0, maximum: 9007199254740991 },
        specHash: { type: 'string', minLength: 0, maxLength: 64 },
        publicKey: { type: 'string', minLength: 0, maxLength: 44 },
        url: { type: 'string', minLength: 0, maxLength: 300 },
        epoch: { type: 'string', minLength: 0, maxLength: 64 },
        digest: { type: 'string', minLength: 0, maxLength: 128 },
        time: { type: 'string', format: 'date-time', maxLength: 64 },
        impact: { type: 'string', enum: ['None', 'Rehandshake', 'Restart'] },
        outageMs: { type: 'integer', format: 'int32', minimum: 0, maximum: 2147483647 },
        cause: { type: 'string', enum: ['Created', 'SpecChanged', 'SecretChanged', 'DriftCorrected'] },
        warnings: { type: 'array', maxItems: 8, items: { type: 'string', minLength: 0, maxLength: 1024 } },
      },
    },
    drift: {
      type: 'array',
      maxItems: 32,
      items: {
        type: 'object',
        required: ['path'],
        properties: {
          path: { type: 'string', minLength: 1, maxLength: 253 },
          desired: { type: 'string', minLength: 0, maxLength: 1024 },
          file: { type: 'string', minLength: 0, maxLength: 1024 },
          live: { type: 'string', minLength: 0, maxLength: 1024 },
          impact: { type: 'string', enum: ['None', 'Rehandshake', 'Restart'] },
        },
      },
      'x-kubernetes-list-type': 'atomic',
    },
    plan: {
      type: 'object',
      required: ['impact', 'steps'],
      properties: {
        impact: { type: 'string', enum: ['None', 'Rehandshake', 'Restart'] },
        steps: {
          type: 'array',
          maxItems: 128,
          items: {
            type: 'object',
            required: ['action', 'impact'],
            properties: {
              action: { type: 'string', minLength: 1, maxLength: 64 },
              path: { type: 'string', minLength: 1, maxLength: 253 },
              impact: { type: 'string', enum: ['None', 'Rehandshake', 'Restart'] },
            },
          },
          'x-kubernetes-list-type': 'atomic',
        },
      },
    },
    lastHandledReconcileRequest: { type: 'string', minLength: 0, maxLength: 253 },
    lastHandledTakeOver: { type: 'string', minLength: 0, maxLength: 253 },
    nextAttemptTime: { type: 'string', format: 'date-time', maxLength: 64 },
    consecutiveFailures: { type: 'integer', format: 'int32', minimum: 0, maximum: 2147483647 },
  },
};

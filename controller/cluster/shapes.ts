import { validatorOf } from '../runtime/validator.ts';

/** What of the API server's answers is used: anything else is a breach of protocol, and told as one. */

const text = (maxLength: number): object => ({ type: 'string', maxLength });
const METADATA = { type: 'object', required: ['resourceVersion'], properties: { resourceVersion: text(64) } };
const OBJECT_METADATA = {
  type: 'object',
  required: ['name', 'uid', 'resourceVersion'],
  properties: {
    ...{ name: text(253), namespace: text(63), uid: text(64), resourceVersion: text(64) },
    generation: { type: 'integer' },
    annotations: { type: ['object', 'null'], additionalProperties: { type: 'string' } },
    finalizers: { type: ['array', 'null'], items: text(317) },
  },
};
const OBJECT = { type: 'object', required: ['metadata'], properties: { metadata: OBJECT_METADATA } };
const LIST = {
  type: 'object',
  required: ['metadata'],
  properties: {
    metadata: {
      type: 'object',
      required: ['resourceVersion'],
      properties: { resourceVersion: text(64), continue: text(16_384) },
    },
    // Null where there is nothing: the API server says so of lists of metadata.
    items: { type: ['array', 'null'], items: OBJECT },
  },
};
const EVENT = {
  type: 'object',
  required: ['type', 'object'],
  properties: { type: { enum: ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] }, object: { type: 'object' } },
  if: { properties: { type: { const: 'BOOKMARK' } } },
  then: { properties: { object: { type: 'object', required: ['metadata'], properties: { metadata: METADATA } } } },
  else: {
    if: { properties: { type: { enum: ['ADDED', 'MODIFIED', 'DELETED'] } } },
    then: { properties: { object: OBJECT } },
  },
};
const SECRET = {
  type: 'object',
  required: ['metadata'],
  properties: { metadata: METADATA, data: { type: ['object', 'null'], additionalProperties: { type: 'string' } } },
};

/** An object as it comes. */
export interface RawObject {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly uid: string;
    readonly name: string;
    readonly namespace?: string;
  };
}

/** A page of a list as it comes. */
export interface RawList {
  readonly items?: readonly RawObject[] | null;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

/** An event of a watch as it comes. */
export interface RawEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: RawObject & { readonly code?: unknown; readonly reason?: unknown };
}

/** A Secret as it comes. */
export interface RawSecret {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>> | null;
}

/** Whether it is an object with the metadata that we use. */
export const isObject = validatorOf<RawObject>(OBJECT);
/** Whether it is a page of a list. */
export const isList = validatorOf<RawList>(LIST);
/** Whether it is an event of a watch. */
export const isEvent = validatorOf<RawEvent>(EVENT);
/** Whether it is a Secret. */
export const isSecretData = validatorOf<RawSecret>(SECRET);

/** Bodies of the calls that change peers, as the old contract has them. */

/** POST peers. Null or left out: the preshared key stays as it is; an empty list and a keepalive of 0 leave those as they are, too. */
export interface PostPeerBody {
  readonly public_key: string;
  readonly allowed_ips?: readonly string[];
  readonly preshared_key?: string | null;
  readonly persistent_keepalive?: number;
}

/** PUT peers/{key}. Null or left out = stays; an empty list takes all addresses away. */
export interface PutPeerBody {
  readonly allowed_ips?: readonly string[] | null;
  readonly persistent_keepalive?: number | null;
}

/** POST syncconf: a file for wg(8) in base64. */
export interface SyncConfBody {
  readonly config: string;
}

/** More than any peer has; what comes is judged one by one. */
const ALLOWED_IPS = { type: 'array', maxItems: 4_096, items: { type: 'string', maxLength: 64 } };
const KEEPALIVE = { type: 'integer', minimum: 0, maximum: 65_535 };

export const POST_PEER_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['public_key'],
  properties: {
    public_key: { type: 'string', maxLength: 64 },
    allowed_ips: ALLOWED_IPS,
    preshared_key: { type: ['string', 'null'], maxLength: 64 },
    persistent_keepalive: KEEPALIVE,
  },
};

export const PUT_PEER_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    allowed_ips: { ...ALLOWED_IPS, type: ['array', 'null'] },
    persistent_keepalive: { ...KEEPALIVE, type: ['integer', 'null'] },
  },
};

export const SYNC_CONF_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['config'],
  properties: { config: { type: 'string', maxLength: 2 * 1024 * 1024 } },
};

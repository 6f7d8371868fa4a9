/** JSON Schemas that routes share: they check requests and make the OpenAPI document. */
import { commitHeaders } from './commit-headers.ts';
import { momentParameters } from './moment.ts';

export const jsonObject = { type: 'object', additionalProperties: true } as const;

/** Names, positions and times of a commit that was made. */
export const commitOutcome = {
  type: 'object',
  properties: {
    position: { type: 'integer', description: 'Of its last event.' },
    time: { type: 'string', format: 'date-time' },
    events: { type: 'integer', description: 'Events written; 0 if nothing changed.' },
    replayed: {
      type: 'boolean',
      description: 'Whether this is the outcome of an earlier request.',
    },
  },
} as const;

export const key = { type: ['string', 'integer'] } as const;

export const changeOutcome = {
  type: 'object',
  properties: {
    key,
    version: { type: 'integer', description: 'Of the row after the change.' },
    changed: { type: 'boolean' },
    ...commitOutcome.properties,
  },
} as const;

export const changesOutcome = {
  type: 'object',
  properties: {
    keys: { type: 'array', items: key },
    versions: { type: 'array', items: { type: 'integer' } },
    ...commitOutcome.properties,
  },
} as const;

/** One batch is one commit; what is larger is sent in several. */
export const BATCH_ITEMS_MAX = 100_000;

export const tableDefinition = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    keyType: { type: 'string', enum: ['string', 'integer'] },
    kind: { type: 'string', enum: ['collection'] },
    primaryKey: { type: 'string' },
    schema: jsonObject,
    schemaVersion: { type: 'integer' },
  },
} as const;

/** Query parameters of a read: those given, and the moment. */
export function readQuery<T extends object>(properties: T) {
  return {
    type: 'object',
    additionalProperties: false,
    properties: { ...properties, ...momentParameters },
  } as const;
}

export const momentQuery = readQuery({});

/** Versions in one answer. */
const HISTORY_MAX = 10_000;
const HISTORY = 1000;

export const historyParameters = {
  limit: { type: 'integer', minimum: 1, maximum: HISTORY_MAX, default: HISTORY },
  reverse: { type: 'boolean', default: false },
} as const;

/** Request headers of what makes a commit. */
export const writeHeaders = { type: 'object', properties: commitHeaders } as const;

/** For routes that take no query parameters. */
export const noQuery = { type: 'object', additionalProperties: false, properties: {} } as const;

/** Path parameters; the instance is one of them where the path has it. */
export function pathOf<T extends object>(names: T) {
  const properties = { instance: { type: 'string' }, ...names };
  return { type: 'object', properties, required: Object.keys(names) } as const;
}

/** A query by what is in rows. Its time is bounded more closely than embedded: others wait meanwhile. */
export const findQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    where: { ...jsonObject, description: 'Conditions on columns and paths; all must hold.' },
    keyPrefix: { type: 'string', description: 'Only rows whose key begins with it.' },
    order: {
      description: 'A column or path, `{"by", "reverse"}`, or a list of these.',
      anyOf: [{ type: 'string' }, jsonObject, { type: 'array' }],
    },
    limit: { type: 'integer', minimum: 1, maximum: 10_000 },
    cursor: { type: 'string' },
    backwards: { type: 'boolean' },
    columns: { type: 'array', items: { type: 'string' } },
    allowScan: { type: 'boolean' },
    timeoutMs: { type: 'integer', minimum: 1, maximum: 10_000, default: 2000 },
    maxPostingsScanned: { type: 'integer', minimum: 1, maximum: 10_000_000 },
    maxResultBytes: { type: 'integer', minimum: 1, maximum: 64 * 1024 * 1024 },
  },
} as const;

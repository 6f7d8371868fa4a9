import {
  canonicalJson,
  corruption,
  isPlainObject,
  type JsonObject,
  limits,
  TidemarkError,
} from '../base/index.ts';

/** Who, why and as part of what: kept with every commit, and searchable where noted. */
export interface CommitMetadata {
  /** Searchable. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  /** Ties commits of one business process together. Searchable. */
  readonly correlationId?: string | undefined;
  /** A commit with a key that was used before is not made again: the first outcome is given. */
  readonly idempotencyKey?: string | undefined;
  /** Anything else, as JSON. */
  readonly fields?: JsonObject | undefined;
}

const TEXT_FIELDS = ['actor', 'reason', 'correlationId', 'idempotencyKey'] as const;
const INDEXED_LENGTH_MAX = 1024;

/** Canonical JSON of the metadata; empty if there is none. @throws METADATA_INVALID */
export function encodeMetadata(metadata: CommitMetadata): string {
  for (const name of TEXT_FIELDS) {
    const value: unknown = metadata[name];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') {
      throw invalid(`${name} is a non-empty string, not ${JSON.stringify(value) ?? typeof value}`);
    }
    if (name !== 'reason' && value.length > INDEXED_LENGTH_MAX) {
      throw invalid(`${name} has ${value.length} characters; the limit is ${INDEXED_LENGTH_MAX}`);
    }
    if (!value.isWellFormed()) throw invalid(`${name} holds half of a surrogate pair`);
  }
  const { actor, reason, correlationId, idempotencyKey, fields } = metadata;
  if (fields !== undefined && !isPlainObject(fields)) throw invalid('fields is a plain object');
  const json = canonicalJson({ actor, correlationId, fields, idempotencyKey, reason });
  if (json.length > limits.METADATA_BYTES_MAX) {
    throw invalid(`it takes ${json.length} bytes; the limit is ${limits.METADATA_BYTES_MAX}`);
  }
  return json === '{}' ? '' : json;
}

/** @throws CORRUPTION if it is not what `encodeMetadata` gave */
export function decodeMetadata(json: string): CommitMetadata {
  if (json === '') return {};
  try {
    const metadata: unknown = JSON.parse(json);
    if (isPlainObject(metadata)) return metadata;
  } catch {
    // What JSON.parse says of it helps nobody.
  }
  throw corruption('commits', 0, 'the metadata of a commit is not a JSON object', 'who and why');
}

function invalid(why: string): TidemarkError {
  return new TidemarkError('METADATA_INVALID', `commit metadata is not valid: ${why}`);
}

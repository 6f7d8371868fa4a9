import type { JsonValue } from '../base/index.ts';
import type { KeyValue } from '../database/index.ts';

/** A value of the key space in a JSON answer. */
export function shownValue(value: KeyValue): JsonValue {
  if (!(value instanceof Uint8Array)) return value;
  return { $base64: Buffer.from(value).toString('base64') };
}

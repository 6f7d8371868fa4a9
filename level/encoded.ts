import { asBuffer, type ByteString, byteStringOf, bytesOf } from '../base/index.ts';

/** A key or value as abstract-level hands it over, in the format that is named beside it. */
export type Encoded = string | Buffer | Uint8Array;
export type EncodedAs = 'utf8' | 'buffer' | 'view';

// biome-ignore lint/suspicious/noControlCharactersInRegex: all that is one byte in UTF-8
const ONE_BYTE_EACH = /^[\x00-\x7f]*$/;

export function keyOf(encoded: Encoded): ByteString {
  if (typeof encoded !== 'string') return byteStringOf(encoded);
  return ONE_BYTE_EACH.test(encoded) ? encoded : byteStringOf(Buffer.from(encoded, 'utf8'));
}

export function encodedKey(key: ByteString, as: EncodedAs): Encoded {
  if (as === 'view') return new Uint8Array(bytesOf(key));
  if (as === 'buffer') return bytesOf(key);
  return ONE_BYTE_EACH.test(key) ? key : bytesOf(key).toString('utf8');
}

export function bytesOfValue(encoded: Encoded): Uint8Array {
  return typeof encoded === 'string' ? Buffer.from(encoded, 'utf8') : encoded;
}

/** A copy: callers may write to what they get, and the store's memory is not theirs. */
export function encodedValue(
  source: Uint8Array,
  start: number,
  end: number,
  as: EncodedAs,
): Encoded {
  if (as === 'utf8') return asBuffer(source).utf8Slice(start, end);
  const part = source.subarray(start, end);
  return as === 'view' ? new Uint8Array(part) : Buffer.from(part);
}

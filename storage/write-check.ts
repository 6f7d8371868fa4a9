import { type ByteString, limits, TidemarkError } from '../base/index.ts';
import type { Write } from './storage-engine.ts';

/** What every engine asks of a write before it does anything. @throws KEY_TOO_LARGE, VALUE_TOO_LARGE */
export function checkWrite(write: Write): void {
  if (write.key.length > limits.KEY_BYTES_MAX) {
    throw tooLarge('KEY_TOO_LARGE', 'key', write.key.length, limits.KEY_BYTES_MAX);
  }
  if (write.value !== undefined && write.value.length > limits.VALUE_BYTES_MAX) {
    throw tooLarge('VALUE_TOO_LARGE', 'value', write.value.length, limits.VALUE_BYTES_MAX);
  }
}

/** What the strict read of every engine throws. The key is shown in hex: it may hold any bytes. */
export function keyNotFound(key: ByteString): TidemarkError {
  const hex = Buffer.from(key, 'latin1').toString('hex');
  return new TidemarkError('KEY_NOT_FOUND', `no value under the key 0x${hex}`, { key: hex });
}

function tooLarge(
  code: 'KEY_TOO_LARGE' | 'VALUE_TOO_LARGE',
  what: string,
  bytes: number,
  bytesMax: number,
): TidemarkError {
  return new TidemarkError(code, `a ${what} of ${bytes} bytes is over the limit of ${bytesMax}`, {
    bytes,
    bytesMax,
  });
}

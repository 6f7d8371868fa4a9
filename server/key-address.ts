/** A key of the key space as it stands in an address: as text, or as base64url of any bytes. */
import { TidemarkError } from '../base/index.ts';
import { keyOfBytes } from '../database/index.ts';

export interface KeyAddress {
  readonly key_encoding?: 'text' | 'base64url';
}

export const keyParameters = {
  key_encoding: {
    type: 'string',
    enum: ['text', 'base64url'],
    description: 'How the key stands in the address. Keys that are no UTF-8 are base64url only.',
  },
} as const;

/** @throws KEY_TYPE if it is not base64url although it should be */
export function keyOfAddress(text: string, { key_encoding: encoding }: KeyAddress): string {
  if (encoding !== 'base64url') return text;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') === text) return keyOfBytes(bytes);
  throw new TidemarkError(
    'KEY_TYPE',
    `${JSON.stringify(text.slice(0, 64))} is no key; allowed: base64url without padding`,
  );
}

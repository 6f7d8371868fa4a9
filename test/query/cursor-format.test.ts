import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CursorPlace, decodeCursor, encodeCursor, encodeTerm } from '../../query/index.ts';
import { encodeRowKey, KeyType } from '../../storage/index.ts';

const GOLDEN = join(import.meta.dirname, '../golden/cursor-v1.txt');

const PLACE: CursorPlace = {
  isBefore: true,
  generation: 2 ** 46 + 5,
  position: 2 ** 40 + 3,
  table: 7,
  schemaVersion: 2,
  query: '00112233445566778899aabbccddeeff',
  order: '[{"by":"$.straße","reverse":true}]',
  rank: encodeTerm('Zoë') + encodeRowKey('a\0b', KeyType.string, 't'),
};

const places = fc.record({
  isBefore: fc.boolean(),
  generation: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  position: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  table: fc.nat({ max: 2 ** 32 - 1 }),
  schemaVersion: fc.nat({ max: 2 ** 32 - 1 }),
  query: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString('hex')),
  order: fc.string({ unit: 'grapheme' }),
  rank: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
});

describe('a cursor', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(places, (place) => {
        expect(decodeCursor(encodeCursor(place))).toEqual(place);
      }),
    );
  });

  it('is written and read as version 1 always was', () => {
    const golden = readFileSync(GOLDEN, 'utf8').trim();
    expect(encodeCursor(PLACE)).toBe(golden);
    expect(decodeCursor(golden)).toEqual(PLACE);
  });

  it('is refused if any one character is another, or if it is cut', () => {
    const cursor = encodeCursor(PLACE);
    for (let at = 0; at < cursor.length; at++) {
      for (const other of ['A', 'z', '-', '.', '']) {
        if (other === cursor[at]) continue;
        const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
        expect(() => decodeCursor(changed), changed).toThrowError(/cannot be read/);
      }
      expect(() => decodeCursor(cursor.slice(0, at))).toThrowError(/cannot be read/);
    }
  });

  it('is refused if it is of a later version', () => {
    expect(() => decodeCursor(`Ag${encodeCursor(PLACE).slice(2)}`)).toThrowError(/checksum/);
  });
});

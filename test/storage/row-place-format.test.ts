import { expect, it } from 'vitest';
import { bytesOf } from '../../base/index.ts';
import {
  encodeRowKey,
  KeyType,
  livePrefix,
  placeParts,
  retiredPrefix,
} from '../../storage/index.ts';

const key = encodeRowKey('ab', KeyType.string, 't');

it('puts the place, the table and the key in this order', () => {
  expect(bytesOf(livePrefix(258) + key).toString('hex')).toBe(`0200000102${'02616200'}`);
  expect(bytesOf(retiredPrefix(258) + key).toString('hex')).toBe(`0100000102${'02616200'}`);
});

it('says what a place stands for', () => {
  const table = 2 ** 32 - 1;
  expect(placeParts(livePrefix(table) + key)).toEqual({ table, encodedKey: key, live: true });
  expect(placeParts(retiredPrefix(7) + key)).toEqual({ table: 7, encodedKey: key, live: false });
});

it('keeps all rows of a table together, and retired keys apart from live ones', () => {
  const last = encodeRowKey('\u{10ffff}'.repeat(9), KeyType.string, 't');
  expect(livePrefix(7) + last < livePrefix(8)).toBe(true);
  expect(retiredPrefix(2 ** 32 - 1) + last < livePrefix(0)).toBe(true);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteStringOf, bytesOf } from '../../base/index.ts';
import {
  COUNTS,
  countOffset,
  encodeUpkeep,
  livePostingKey,
  livePostings,
  pastPostingKey,
  pastPostings,
  readLivePosting,
  readPastPosting,
  readUpkeep,
  UpkeepState,
  upkeepKey,
} from '../../query/posting-format.ts';
import { encodeTerm, OTHER } from '../../query/term-format.ts';
import { encodeRowKey, KeyType } from '../../storage/index.ts';

const TERM = encodeTerm('Porto Alegre') + encodeTerm(-12.5);
const KEY = encodeRowKey('zoë\0', KeyType.string, 't');

/** What `golden/postings-v1.txt` holds: one entry a line, name, key and value in hex. */
function golden(): string {
  const long = encodeTerm('ß'.repeat(300));
  const scalars = [undefined, null, false, true, 0, 1e300, -1, 'a\0b', OTHER] as const;
  const entries: [string, string, Uint8Array][] = [
    ['live', livePostingKey(7, TERM, KEY), COUNTS.subarray(1, 2)],
    ['past', pastPostingKey(7, TERM, KEY, 2 ** 40 + 5), COUNTS.subarray(0, 1)],
    [
      'long',
      livePostingKey(2 ** 32 - 1, long, encodeRowKey(-5, KeyType.integer, 't')),
      COUNTS.subarray(255),
    ],
    ...scalars.map((scalar, i): [string, string, Uint8Array] => [
      `scalar-${i}`,
      livePostingKey(1, encodeTerm(scalar), KEY),
      COUNTS.subarray(1, 2),
    ]),
    [
      'building',
      upkeepKey(7),
      encodeUpkeep({ state: UpkeepState.building, upTo: 2 ** 40, versions: 2 ** 33, done: KEY }),
    ],
    [
      'begun',
      upkeepKey(7),
      encodeUpkeep({ state: UpkeepState.building, upTo: 3, versions: 0, done: '' }),
    ],
    ['whole', upkeepKey(7), encodeUpkeep({ state: UpkeepState.whole })],
    ['broken', upkeepKey(7), encodeUpkeep({ state: UpkeepState.broken })],
    ['deleting', upkeepKey(7), encodeUpkeep({ state: UpkeepState.deleting })],
  ];
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return entries
    .map(([name, key, value]) => `${name} ${hex(bytesOf(key))} ${hex(value)}\n`)
    .join('');
}

describe('postings of format version 1', () => {
  const file = readFileSync(join(import.meta.dirname, '../golden/postings-v1.txt'), 'utf8');
  const entries = new Map(
    file
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [name, key, value] = line.split(' ');
        return [
          name,
          { key: byteStringOf(Buffer.from(key!, 'hex')), value: Buffer.from(value!, 'hex') },
        ];
      }),
  );

  it('are read for ever', () => {
    expect(readLivePosting(entries.get('live')!.key)).toEqual({ term: TERM, encodedKey: KEY });
    const past = { term: TERM, encodedKey: KEY, position: 2 ** 40 + 5 };
    expect(readPastPosting(entries.get('past')!.key)).toEqual(past);
    const building = { state: UpkeepState.building, upTo: 2 ** 40, versions: 2 ** 33, done: KEY };
    expect(readUpkeep(entries.get('building')!.value)).toEqual(building);
    expect(readUpkeep(entries.get('whole')!.value)).toEqual({ state: UpkeepState.whole });
  });

  it('are written as ever', () => expect(golden()).toBe(file));
});

describe('postings', () => {
  it('lie under their index and term', () => {
    expect(
      livePostingKey(7, TERM, KEY).startsWith(livePostings(7, encodeTerm('Porto Alegre'))),
    ).toBe(true);
    expect(pastPostingKey(7, TERM, KEY, 3).startsWith(pastPostings(7, TERM))).toBe(true);
    expect(livePostings(8) > livePostingKey(7, TERM, KEY)).toBe(true);
  });

  it('count up to 255', () => {
    expect([0, 1, 254, 255, 256, 1e6].map((count) => COUNTS[countOffset(count)])).toEqual([
      0, 1, 254, 255, 255, 255,
    ]);
  });

  it('are not read from other bytes', () => {
    const live = livePostingKey(7, TERM, KEY);
    expect(readPastPosting(live)).toBeUndefined();
    expect(readLivePosting(pastPostingKey(7, TERM, KEY, 1))).toBeUndefined();
    for (const cut of [0, 1, 4, 5, 6, 5 + TERM.length])
      expect(readLivePosting(live.slice(0, cut))).toBeUndefined();
    for (const bytes of [[], [0], [5], [2, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
      expect(readUpkeep(Buffer.from(bytes))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const key = byteStringOf(bytes);
        const read = readLivePosting(key);
        if (read !== undefined) expect(key.slice(5)).toBe(read.term + read.encodedKey);
        readPastPosting(key);
        readUpkeep(bytes);
      }),
    );
  });
});

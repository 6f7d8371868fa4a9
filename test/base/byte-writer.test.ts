import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWriter, readU64 } from '../../base/index.ts';

it('writes numbers little-endian, bytes and texts, and grows as needed', () => {
  const writer = new ByteWriter(1);
  writer.u8(1);
  writer.u16(0x0302);
  writer.u32(0x07060504);
  writer.u64(2 ** 40 + 8);
  writer.bytes(Uint8Array.from([9, 10, 11, 12]), 1, 3);
  writer.byteString('\xff\x00');
  expect(writer.utf8('é€')).toBe(5);
  expect(writer.view().toString('hex')).toBe(
    '01020304050607080000000001000' + '00a0bff00c3a9e282ac',
  );
});

it('reads back every safe integer, and keeps what was handed out before it grew', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 20 }), (numbers) => {
      const writer = new ByteWriter(8);
      writer.u64(numbers[0]!);
      const first = writer.view();
      for (const number of numbers) writer.u64(number);
      expect(numbers.map((_, i) => readU64(writer.view(), 8 + i * 8))).toEqual(numbers);
      expect(readU64(first, 0)).toBe(numbers[0]);
    }),
  );
});

import type { SeededRandom } from '../support/seeded-random.ts';

/** Lengths and counts that readers stumble over. */
const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** A copy with a few changes of the kinds that disks, networks and people make. */
export function mutated(random: SeededRandom, bytes: Buffer): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    result = mutatedOnce(random, result);
  }
  return result;
}

function mutatedOnce(random: SeededRandom, bytes: Buffer): Buffer {
  if (bytes.length === 0) return Buffer.from([random.below(256)]);
  const at = random.below(bytes.length);
  const length = Math.min(random.between(1, 20), bytes.length - at);
  const [before, part, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(at + length),
  ];
  switch (random.below(8)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = random.below(256);
      return bytes;
    case 2:
      if (at + 4 <= bytes.length) bytes.writeUInt32LE(random.pick(NUMBERS), at);
      return bytes;
    case 3:
      return Buffer.from(before);
    case 4:
      return Buffer.concat([before, after]);
    case 5:
      return Buffer.concat([before, part, part, after]);
    case 6:
      return Buffer.concat([before, Buffer.alloc(length), after]);
    default:
      return Buffer.concat([before, bytes.subarray(random.below(bytes.length)), after]);
  }
}

/** Of 32 bits. */
export const VARINT_BYTES_MAX = 5;

/** Writes `value`, 7 bits a byte, lowest first. Gives the offset behind it. */
export function putVarint(buffer: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 127) {
    buffer[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

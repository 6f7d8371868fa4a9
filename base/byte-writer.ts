/**
 * A buffer that grows, with a write position. Little-endian; `u64` holds safe integers.
 * Growing copies; what was handed out before keeps the old memory.
 */
export class ByteWriter {
  buffer: Buffer;
  length = 0;

  constructor(capacity = 1024) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.buffer.writeUInt16LE(value, this.length);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.buffer.writeUInt32LE(value, this.length);
    this.length += 4;
  }

  u64(value: number): void {
    this.reserve(8);
    this.buffer.writeUInt32LE(value >>> 0, this.length);
    this.buffer.writeUInt32LE(Math.floor(value / 0x100000000), this.length + 4);
    this.length += 8;
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    this.reserve(end - start);
    this.buffer.set(
      start === 0 && end === source.length ? source : source.subarray(start, end),
      this.length,
    );
    this.length += end - start;
  }

  /** Writes a byte string (see `byte-string.ts`), one byte a char. */
  byteString(text: string): void {
    this.reserve(text.length);
    this.length += this.buffer.latin1Write(text, this.length, text.length);
  }

  /** Writes `text` as UTF-8 and gives the number of bytes. */
  utf8(text: string): number {
    this.reserve(text.length * 3);
    const written = this.buffer.utf8Write(text, this.length);
    this.length += written;
    return written;
  }

  /** What was written, sharing memory. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}

/** A safe integer from its 8 little-endian bytes. */
export function readU64(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 4) * 0x100000000 + buffer.readUInt32LE(at);
}

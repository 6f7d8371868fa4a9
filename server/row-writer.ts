/** Rows as JSON text in a buffer, their bytes copied as they are stored. */
import type { JsonRow } from '../database/index.ts';

/** `entry`: the row with its key, version and position; `row`: the row alone. */
export type RowShape = 'entry' | 'row';

const CLOSING_BRACE = 0x7d;
/** UTF-8 takes three bytes for one UTF-16 unit at most. */
const UTF8_BYTES_MAX = 3;

export class RowWriter {
  readonly #shape: RowShape;
  readonly #capacity: number;
  #buffer: Buffer;
  #length = 0;

  /** @param capacity bytes it has room for before it grows */
  constructor(shape: RowShape, capacity: number) {
    this.#shape = shape;
    this.#capacity = capacity;
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#length;
  }

  add(row: JsonRow): void {
    const { source, start, end } = row;
    const head = this.#shape === 'row' ? '' : headOf(row);
    this.#reserve(head.length * UTF8_BYTES_MAX + end - start + 1);
    if (head !== '') this.#length += this.#buffer.utf8Write(head, this.#length);
    this.#length += source.copy(this.#buffer, this.#length, start, end);
    if (head !== '') this.#buffer[this.#length++] = CLOSING_BRACE;
  }

  /** @param text ASCII */
  addText(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#buffer.latin1Write(text, this.#length);
  }

  /** What was written; the writer goes on with a buffer of its own. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(this.#capacity);
    this.#length = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function headOf({ key, version, position }: JsonRow): string {
  const shown = typeof key === 'number' ? key : JSON.stringify(key);
  return `{"key":${shown},"version":${version},"position":${position},"row":`;
}

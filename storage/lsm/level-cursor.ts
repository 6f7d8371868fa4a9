import type { ByteString } from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import type { InternalCursor } from './internal-cursor.ts';
import { type Table, tableAtOrBefore } from './table.ts';

const NOTHING = new Uint8Array(0);

/** The tables that a range touches of a level, where tables ascend and do not overlap. */
export function tablesInRange(tables: readonly Table[], range: KeyRange): readonly Table[] {
  let first = 0;
  if (range.from !== undefined) {
    const at = tableAtOrBefore(tables, range.from);
    first = at >= 0 && tables[at]!.largest >= range.from ? at : at + 1;
  }
  let end = tables.length;
  if (range.to !== undefined) {
    const at = tableAtOrBefore(tables, range.to);
    end = at >= 0 && tables[at]!.smallest === range.to ? at : at + 1;
  }
  return tables.slice(first, Math.max(first, end));
}

/** A level as one cursor: its tables one after the other, each opened when it is reached. */
export class LevelCursor implements InternalCursor {
  source: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  deleted = false;
  readonly #tables: readonly Table[];
  readonly #range: KeyRange;
  readonly #step: number;
  #at: number;
  #table: InternalCursor | undefined;

  /** @param tables of `tablesInRange` */
  constructor(tables: readonly Table[], range: KeyRange) {
    this.#tables = tables;
    this.#range = range;
    this.#step = range.reverse === true ? -1 : 1;
    this.#at = range.reverse === true ? tables.length - 1 : 0;
  }

  get key(): ByteString {
    return this.#table?.key ?? '';
  }

  next(): boolean {
    for (;;) {
      const table = this.#table ?? this.#open();
      if (table === undefined) return false;
      if (table.next()) {
        this.source = table.source;
        this.start = table.start;
        this.end = table.end;
        this.deleted = table.deleted;
        return true;
      }
      table.close();
      this.#table = undefined;
    }
  }

  close(): void {
    this.#table?.close();
    this.#table = undefined;
    this.#at = -1;
  }

  #open(): InternalCursor | undefined {
    const table = this.#tables[this.#at];
    if (table === undefined) return undefined;
    this.#at += this.#step;
    this.#table = table.reader.cursor(this.#range);
    return this.#table;
  }
}

import { setImmediate } from 'node:timers/promises';
import { type ByteString, FILE_HEADER_BYTES, isTidemarkError } from '../../base/index.ts';
import type { Block } from './block.ts';
import { BlockCursor } from './block-cursor.ts';
import type { BloomFilter } from './bloom-filter.ts';
import type { BlockPlace, TableFooter } from './table-format.ts';

/** About 0.1 ms a block: the event loop waits for 2 ms at most. */
const BLOCKS_PER_SLICE = 16;

/** What the check needs of a table, read from the disk. */
export interface CheckedTable {
  footer(): TableFooter;
  blockPlaces(): Iterator<{ readonly lastKey: ByteString; readonly place: BlockPlace }>;
  readBlock(place: BlockPlace): Block;
  readFilter(): BloomFilter | undefined;
}

type Report = (offset: number, reason: string) => void;

/** Holds a whole table against the rule in `table-format.ts`. @throws IO_FAILED */
export async function checkTable(table: CheckedTable, report: Report): Promise<void> {
  if (reporting(report, () => table.footer()) === undefined) return;
  const places = table.blockPlaces();
  const filter = reporting(report, () => ({ read: table.readFilter() }))?.read;
  const walk = new TableWalk(table, filter, report);
  let step = reporting(report, () => places.next());
  for (let slice = 1; step !== undefined && step.done !== true; slice++) {
    walk.block(step.value.place, step.value.lastKey);
    if (slice % BLOCKS_PER_SLICE === 0) await setImmediate();
    step = reporting(report, () => places.next());
  }
  if (step !== undefined) walk.finish();
}

/** What is remembered from block to block. */
class TableWalk {
  readonly #table: CheckedTable;
  readonly #filter: BloomFilter | undefined;
  readonly #report: Report;
  #expectedOffset = FILE_HEADER_BYTES;
  #previousKey: ByteString | undefined;
  #entries = 0;
  #tombstones = 0;
  #damaged = false;

  constructor(table: CheckedTable, filter: BloomFilter | undefined, report: Report) {
    this.#table = table;
    this.#filter = filter;
    this.#report = (offset, reason) => {
      this.#damaged = true;
      report(offset, reason);
    };
  }

  block(place: BlockPlace, lastKey: ByteString): void {
    this.#follows(place.offset);
    this.#expectedOffset = place.offset + place.length;
    const last = reporting(this.#report, () => {
      const cursor = new BlockCursor(this.#table.readBlock(place));
      let key = '';
      while (cursor.next()) {
        key = cursor.key();
        this.#entry(cursor, key, place.offset);
      }
      return key;
    });
    if (last !== undefined && last !== lastKey) {
      this.#report(place.offset, 'the last key of the block is not the one in the index');
    }
    this.#previousKey = lastKey;
  }

  /** The counts say nothing once a block could not be read. */
  finish(): void {
    const { filter, index, entries, tombstones } = this.#table.footer();
    this.#follows(filter.offset);
    if (this.#damaged) return;
    if (this.#entries === entries && this.#tombstones === tombstones) return;
    this.#report(
      index.offset + index.length,
      `the footer counts ${entries} entries, ${tombstones} of them tombstones;` +
        ` there are ${this.#entries}, ${this.#tombstones}`,
    );
  }

  #follows(offset: number): void {
    if (offset === this.#expectedOffset) return;
    this.#report(offset, `the part was expected at offset ${this.#expectedOffset}`);
  }

  #entry(cursor: BlockCursor, key: ByteString, offset: number): void {
    if (this.#previousKey !== undefined && key <= this.#previousKey) {
      this.#report(offset, `the key of entry ${cursor.ordinal} is not above the one before`);
    }
    if (this.#filter?.mayContain(key) === false) {
      this.#report(offset, `the filter denies the key of entry ${cursor.ordinal}`);
    }
    if (cursor.deleted && cursor.start !== cursor.end) {
      this.#report(offset, `entry ${cursor.ordinal} is a tombstone with a value`);
    }
    if (cursor.block.coding !== undefined) cursor.decode();
    this.#previousKey = key;
    this.#entries++;
    if (cursor.deleted) this.#tombstones++;
  }
}

/** Runs and reports damage; undefined then. Every other error passes. */
function reporting<T>(report: Report, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!isTidemarkError(error, 'CORRUPTION')) throw error;
    report(Number(error.data.offset), String(error.data.reason));
    return undefined;
  }
}

/**
 * The manifest: which tables the store consists of, what its owner wants to know again, and what is
 * pinned. A log of edits; the sum of them is the state.
 *
 * `MANIFEST-NNNNNN` is the file header of `base/file-header-format.ts`, then records of
 * `base/record-format.ts`, little-endian:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 16 | file header, magic `TDMKMANI` |
 * | 16 | … | records; the payload of each is one edit |
 *
 * `CURRENT` names the manifest that counts. It is replaced as a whole:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 16 | file header, magic `TDMKCURR` |
 * | 16 | … | one record; its payload is the name of the manifest in ASCII |
 *
 * An edit is a JSON object in UTF-8 with these members; all but the first may be missing. Keys of
 * rows are in base64.
 *
 * | MEMBER | MEANING |
 * |---|---|
 * | `edit` | number of the edit: 1 in a new store, then each one more than the last |
 * | `next` | number that the next table gets |
 * | `add` | tables: `[number, keyspace, level, age, entries, tombstones, bytes, smallest, largest]`; level null if only pins hold it |
 * | `move` | `[number, level]` for each table that goes to another level |
 * | `remove` | numbers of tables that leave the tree |
 * | `mark` | `{sequence, applied}` of the owner |
 * | `note` | JSON of the owner that says nothing of the state |
 * | `pin` | pins to add: `{name, note, sequence, keyspaces: [id, …], tables: [[number, level], …]}` |
 * | `unpin` | names of pins to drop |
 *
 * The first edit of a file holds the whole state. The tables that an edit adds, moves, removes or
 * pins are known then, except those that it adds. A table that is in no level and no pin is gone.
 *
 * A manifest is valid if and only if its header is, its first record is a valid edit, the number of
 * each edit is the next one, and each applies to the state before it. Its last record may be torn:
 * that edit was never acknowledged.
 */
import {
  type ByteString,
  byteStringOf,
  bytesOf,
  corruption,
  type FileKind,
  isPlainObject,
} from '../../base/index.ts';
import type { Mark } from '../keyspace-store.ts';
import type { TableFacts } from './table.ts';

export const MANIFEST_KIND: FileKind = { magic: 'TDMKMANI', version: 1 };
export const CURRENT_KIND: FileKind = { magic: 'TDMKCURR', version: 1 };
export const CURRENT_NAME = 'CURRENT';

const MANIFEST_NAME = /^MANIFEST-(\d{6,15})$/;
const TABLE_NAME = /^(\d{6,15})\.sst$/;

export interface TableRecord extends TableFacts {
  /** Undefined if the tree has it no more, and only pins hold it. */
  readonly level: number | undefined;
}

/** A table and the level that it had, or gets. */
export interface Placed {
  readonly number: number;
  readonly level: number;
}

export interface PinRecord {
  readonly name: string;
  readonly note: unknown;
  readonly sequence: number;
  readonly keyspaces: readonly number[];
  readonly tables: readonly Placed[];
}

export interface ManifestEdit {
  readonly next?: number;
  readonly add?: readonly TableRecord[];
  readonly move?: readonly Placed[];
  readonly remove?: readonly number[];
  readonly mark?: Mark | undefined;
  readonly note?: unknown;
  readonly pin?: readonly PinRecord[];
  readonly unpin?: readonly string[];
}

export function manifestName(number: number): string {
  return `MANIFEST-${String(number).padStart(6, '0')}`;
}

/** Undefined if it is not the name of a manifest. */
export function manifestNumber(name: string): number | undefined {
  const digits = MANIFEST_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function tableName(number: number): string {
  return `${String(number).padStart(6, '0')}.sst`;
}

/** Undefined if it is not the name of a table. */
export function tableNumber(name: string): number | undefined {
  const digits = TABLE_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeEdit(number: number, edit: ManifestEdit): Buffer {
  const { add, move, pin, ...plain } = edit;
  const members = {
    edit: number,
    ...plain,
    ...(add === undefined ? {} : { add: add.map(rowOfTable) }),
    ...(move === undefined ? {} : { move: move.map(pairOf) }),
    ...(pin === undefined
      ? {}
      : { pin: pin.map((each) => ({ ...each, tables: each.tables.map(pairOf) })) }),
  };
  return Buffer.from(JSON.stringify(members), 'utf8');
}

/** The number of an edit, if the payload is one at all. */
export function editNumber(payload: Buffer): number | undefined {
  const match = /^\{"edit":(\d{1,15})[,}]/.exec(
    payload.latin1Slice(0, Math.min(payload.length, 40)),
  );
  return match === null ? undefined : Number(match[1]);
}

/** @throws CORRUPTION */
export function decodeEdit(payload: Buffer, file: string, offset: number): ManifestEdit {
  const read = new EditReader(file, offset);
  const members = read.object(parseJson(payload, read));
  const mark = members.mark === undefined ? undefined : read.object(members.mark);
  return {
    ...(members.next === undefined ? {} : { next: read.count(members.next) }),
    add: read.list(members.add).map((row) => tableOfRow(row, read)),
    move: read.list(members.move).map((pair) => placedOf(pair, read)),
    remove: read.list(members.remove).map((number) => read.count(number)),
    ...(mark === undefined
      ? {}
      : { mark: { sequence: read.count(mark.sequence), applied: mark.applied } }),
    ...(members.note === undefined ? {} : { note: members.note }),
    pin: read.list(members.pin).map((pin) => pinOf(pin, read)),
    unpin: read.list(members.unpin).map((name) => read.text(name)),
  };
}

function parseJson(payload: Buffer, read: EditReader): unknown {
  try {
    return JSON.parse(payload.utf8Slice(0, payload.length));
  } catch {
    throw read.damaged('is not JSON');
  }
}

function rowOfTable(table: TableRecord): readonly unknown[] {
  return [
    table.number,
    table.keyspace,
    table.level ?? null,
    table.age,
    table.entries,
    table.tombstones,
    table.bytes,
    base64Of(table.smallest),
    base64Of(table.largest),
  ];
}

function tableOfRow(value: unknown, read: EditReader): TableRecord {
  const row = read.list(value);
  return {
    number: read.count(row[0]),
    keyspace: read.count(row[1]),
    level: row[2] === null ? undefined : read.count(row[2]),
    age: read.count(row[3]),
    entries: read.count(row[4]),
    tombstones: read.count(row[5]),
    bytes: read.count(row[6]),
    smallest: byteStringOf(Buffer.from(read.text(row[7]), 'base64')),
    largest: byteStringOf(Buffer.from(read.text(row[8]), 'base64')),
  };
}

function pinOf(value: unknown, read: EditReader): PinRecord {
  const pin = read.object(value);
  return {
    name: read.text(pin.name),
    note: pin.note,
    sequence: read.count(pin.sequence),
    keyspaces: read.list(pin.keyspaces).map((id) => read.count(id)),
    tables: read.list(pin.tables).map((pair) => placedOf(pair, read)),
  };
}

function pairOf({ number, level }: Placed): readonly [number, number] {
  return [number, level];
}

function placedOf(value: unknown, read: EditReader): Placed {
  const pair = read.list(value);
  return { number: read.count(pair[0]), level: read.count(pair[1]) };
}

function base64Of(key: ByteString): string {
  return bytesOf(key).toString('base64');
}

/** Checks the members of an edit that lies at an offset of a file. */
class EditReader {
  readonly #file: string;
  readonly #offset: number;

  constructor(file: string, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  damaged(reason: string) {
    return corruption(this.#file, this.#offset, `a manifest edit ${reason}`);
  }

  object(value: unknown): Record<string, unknown> {
    if (!isPlainObject(value)) throw this.damaged('lacks an object');
    return value;
  }

  list(value: unknown): readonly unknown[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.damaged('lacks a list');
    return value;
  }

  count(value: unknown): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.damaged('lacks a whole number');
    }
    return value;
  }

  text(value: unknown): string {
    if (typeof value !== 'string') throw this.damaged('lacks a text');
    return value;
  }
}

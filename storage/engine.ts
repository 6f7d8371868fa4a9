/**
 * Row CRUD and scans over any ordered view: the present, a moment in the past, or a transaction's
 * own state. The engine decides what a change is (does the row exist, which version comes next,
 * does anything change at all) and keeps it as a draft; whoever owns the log makes it durable.
 *
 * Invariants:
 * 1. A row's version counts every change of its key from 1, over deletes and re-inserts.
 * 2. Reads see the engine's own drafts; the view below never changes through it.
 * 3. A change that throws leaves no draft.
 */
import {
  asBuffer,
  type ByteString,
  isPlainObject,
  type JsonObject,
  type JsonValue,
  limits,
  TidemarkError,
} from '../base/index.ts';
import type { KeyRange, OrderedCursor, OrderedView } from './ordered-view.ts';
import { bodyLength, bodyOf, encodeBody, parseBody, parseRow } from './row-body.ts';
import {
  Operation,
  RowForm,
  type RowRecord,
  readRowRecord,
  readRowRecordAt,
} from './row-format.ts';
import { decodeRowKey, encodeRowKey, type KeyType, type RowKey } from './row-key-format.ts';
import { livePrefix, ROW_PLACE_PREFIX_BYTES, retiredPrefix } from './row-place-format.ts';

/** What the engine must know of a table. */
export interface RowTable {
  readonly id: number;
  readonly name: string;
  readonly keyType: KeyType;
  /** The column that holds the key; undefined where the store gives keys. */
  readonly primaryKey: string | undefined;
  readonly schemaVersion: number;
  /** How its rows are written. */
  readonly form: RowForm;
  /** @throws SCHEMA_VIOLATION, COLUMN_UNKNOWN */
  readonly check: (row: JsonObject) => void;
}

/** A decided change that is not in the log yet. */
export interface RowChange {
  readonly table: RowTable;
  readonly key: RowKey;
  readonly encodedKey: ByteString;
  readonly operation: Operation;
  readonly version: number;
  /** The row in the form of its table (`row-body.ts`); empty for a delete. */
  readonly body: string;
  /** The row that is replaced or deleted; undefined for an insert. */
  readonly before: RowBefore | undefined;
}

/** A row that an event replaces, for who makes something of the difference; decoded when asked. */
export interface RowBefore {
  readonly form: RowForm;
  /** As in `RowChange`. */
  body(): string;
  /** A copy of its own at each call. */
  row(): JsonObject;
}

/** A row as readers see it. `position` is undefined while the change is only a draft. */
export interface RowState {
  readonly key: RowKey;
  readonly row: JsonObject;
  readonly version: number;
  readonly position: number | undefined;
}

/** What became of a change: `changed` is false where the row was like that already. */
export interface Decision {
  readonly key: RowKey;
  readonly version: number;
  readonly changed: boolean;
}

export interface ChangeOptions {
  /** The version the row must be at; 0 that it must not exist. */
  readonly expectedVersion?: number | undefined;
  /** Writes an event even if the row stays the same. */
  readonly writeUnchanged?: boolean | undefined;
}

export interface RowRange {
  /** Inclusive. */
  readonly from?: RowKey | undefined;
  /** Exclusive. */
  readonly to?: RowKey | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

/** The row as it is before a change. */
class Current implements RowBefore {
  readonly version: number;
  readonly position: number | undefined;
  readonly #from: RowRecord | RowChange;
  #body: string | undefined;

  /** @param from what is stored, or a draft */
  constructor(from: RowRecord | RowChange) {
    this.version = from.version;
    this.position = 'body' in from ? undefined : from.position;
    this.#from = from;
  }

  get form(): RowForm {
    return 'body' in this.#from ? this.#from.table.form : this.#from.form;
  }

  body(): string {
    const from = this.#from;
    this.#body ??= 'body' in from ? from.body : bodyOf(from);
    return this.#body;
  }

  /** A copy of its own at each call. */
  row(): JsonObject {
    const from = this.#from;
    if ('body' in from) return parseBody(from.table.form, from.body);
    return parseRow(from, from.form === RowForm.json ? this.body() : undefined);
  }
}

export class Engine {
  readonly changes: RowChange[] = [];
  readonly #view: OrderedView;
  /** The newest draft of each place. */
  readonly #drafts = new Map<ByteString, RowChange>();

  constructor(view: OrderedView) {
    this.#view = view;
  }

  /** @throws ROW_EXISTS, VERSION_CONFLICT, KEY_TYPE, SCHEMA_VIOLATION and the other errors of a bad row */
  insertRow(table: RowTable, key: RowKey, row: JsonObject, options: ChangeOptions = {}): Decision {
    const encodedKey = encodeRowKey(key, table.keyType, table.name);
    const body = encodeRow(table, key, row);
    const place = livePrefix(table.id) + encodedKey;
    const draft = this.#drafts.get(place);
    const current = this.#current(table, place, key, draft);
    expectVersion(table, key, current?.version ?? 0, options);
    if (current !== undefined) {
      throw new TidemarkError(
        'ROW_EXISTS',
        `${table.name} has a row ${shownKey(key)} already, at version ${current.version}`,
        { table: table.name, key, version: current.version },
      );
    }
    const version = (draft?.version ?? this.#retiredVersion(table, encodedKey)) + 1;
    const operation = Operation.insert;
    const before = undefined;
    return this.#draft(place, { table, key, encodedKey, operation, version, body, before });
  }

  /** Undefined if there is no such row. @throws KEY_TYPE */
  readRow(table: RowTable, key: RowKey): RowState | undefined {
    const place = livePrefix(table.id) + encodeRowKey(key, table.keyType, table.name);
    const current = this.#current(table, place, key);
    if (current === undefined) return undefined;
    return { key, row: current.row(), version: current.version, position: current.position };
  }

  /**
   * Puts the row that `change` makes of the present one in its place. It is handed a copy of its own.
   * @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE, SCHEMA_VIOLATION …
   */
  updateRow(
    table: RowTable,
    key: RowKey,
    change: (row: Record<string, JsonValue | undefined>) => JsonObject,
    options: ChangeOptions = {},
  ): Decision {
    const encodedKey = encodeRowKey(key, table.keyType, table.name);
    const place = livePrefix(table.id) + encodedKey;
    const current = this.#current(table, place, key);
    expectVersion(table, key, current?.version ?? 0, options);
    if (current === undefined) throw notFound(table, key);
    const body = encodeRow(table, key, change(current.row()));
    if (body === current.body() && options.writeUnchanged !== true) {
      return { key, version: current.version, changed: false };
    }
    const operation = Operation.update;
    const version = current.version + 1;
    const before = current;
    return this.#draft(place, { table, key, encodedKey, operation, version, body, before });
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_TYPE */
  deleteRow(table: RowTable, key: RowKey, options: ChangeOptions = {}): Decision {
    const encodedKey = encodeRowKey(key, table.keyType, table.name);
    const place = livePrefix(table.id) + encodedKey;
    const current = this.#current(table, place, key);
    expectVersion(table, key, current?.version ?? 0, options);
    if (current === undefined) throw notFound(table, key);
    const operation = Operation.delete;
    const version = current.version + 1;
    const before = current;
    return this.#draft(place, { table, key, encodedKey, operation, version, body: '', before });
  }

  /** Rows in key order. Synchronous: the view must stay what it is until the walk ends. */
  *scan(table: RowTable, range: RowRange = {}): Generator<RowState> {
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    const places = placesOf(table, range);
    const drafts = this.#draftsIn(places);
    const cursor = this.#view.scan(places);
    try {
      const rows = drafts.length === 0 ? stored(cursor) : merged(cursor, drafts, range.reverse);
      for (const row of rows) {
        yield row;
        if (--left === 0) return;
      }
    } finally {
      cursor.close();
    }
  }

  #draftsIn(places: KeyRange): [ByteString, RowChange][] {
    if (this.#drafts.size === 0) return [];
    const inside = [...this.#drafts].filter(
      ([place]) => place >= places.from! && place < places.to!,
    );
    const direction = places.reverse === true ? -1 : 1;
    return inside.sort(([a], [b]) => (a < b ? -direction : direction));
  }

  #draft(place: ByteString, change: RowChange): Decision {
    this.changes.push(change);
    this.#drafts.set(place, change);
    return { key: change.key, version: change.version, changed: true };
  }

  #current(
    table: RowTable,
    place: ByteString,
    key: RowKey,
    draft = this.#drafts.get(place),
  ): Current | undefined {
    if (draft !== undefined) {
      const isDeleted = draft.operation === Operation.delete;
      return isDeleted ? undefined : new Current(draft);
    }
    const value = this.#view.get(place);
    if (value === undefined) return undefined;
    return new Current(checkedRecord(value, table, key));
  }

  /** The version at which a key that is not live was deleted; 0 if it never lived. */
  #retiredVersion(table: RowTable, encodedKey: ByteString): number {
    const value = this.#view.get(retiredPrefix(table.id) + encodedKey);
    return value === undefined ? 0 : checkedRecord(value, table, encodedKey).version;
  }
}

/** The part of the keyspace that a range of a table's rows takes up. */
export function placesOf(
  table: RowTable,
  range: RowRange,
): KeyRange & { from: string; to: string } {
  const prefix = livePrefix(table.id);
  const bound = (key: RowKey) => prefix + encodeRowKey(key, table.keyType, table.name);
  return {
    from: range.from === undefined ? prefix : bound(range.from),
    to: range.to === undefined ? livePrefix(table.id + 1) : bound(range.to),
    reverse: range.reverse === true,
  };
}

function encodeRow(table: RowTable, key: RowKey, row: JsonObject): string {
  if (!isPlainObject(row)) {
    throw new TidemarkError(
      'ROW_INVALID',
      `a row of ${table.name} is a plain object, not ${Array.isArray(row) ? 'an array' : `a ${typeof row}`}`,
      { table: table.name },
    );
  }
  if (table.primaryKey !== undefined && row[table.primaryKey] !== key) {
    throw new TidemarkError(
      'KEY_IMMUTABLE',
      `column ${table.primaryKey} of row ${shownKey(key)} in ${table.name} must stay ${shownKey(key)}`,
      { table: table.name, key, column: table.primaryKey },
    );
  }
  table.check(row);
  const body = encodeBody(table.form, row);
  const isLong = body.length > limits.ROW_BYTES_MAX / 3;
  if (isLong && bodyLength(table.form, body) > limits.ROW_BYTES_MAX) {
    throw new TidemarkError(
      'ROW_TOO_LARGE',
      `row ${shownKey(key)} of ${table.name} takes ${bodyLength(table.form, body)} bytes; the limit is ${limits.ROW_BYTES_MAX}`,
      { table: table.name, key, limit: limits.ROW_BYTES_MAX },
    );
  }
  return body;
}

function expectVersion(
  table: RowTable,
  key: RowKey,
  version: number,
  { expectedVersion }: ChangeOptions,
): void {
  if (expectedVersion === undefined || expectedVersion === version) return;
  const actual = version === 0 ? 'does not exist' : `is at version ${version}`;
  throw new TidemarkError(
    'VERSION_CONFLICT',
    `row ${shownKey(key)} of ${table.name} ${actual}, not at the expected version ${expectedVersion}`,
    { table: table.name, key, version, expectedVersion },
  );
}

function notFound(table: RowTable, key: RowKey): TidemarkError {
  return new TidemarkError('ROW_NOT_FOUND', `${table.name} has no row ${shownKey(key)}`, {
    table: table.name,
    key,
  });
}

function shownKey(key: RowKey): string {
  return JSON.stringify(typeof key === 'string' && key.length > 64 ? `${key.slice(0, 64)}…` : key);
}

function checkedRecord(value: Uint8Array, table: RowTable, key: RowKey): RowRecord {
  const record = readRowRecord(value);
  if (record !== undefined) return record;
  throw new TidemarkError('CORRUPTION', `row ${shownKey(key)} of ${table.name} cannot be read`, {
    table: table.name,
    affected: `row ${shownKey(key)} of ${table.name}`,
  });
}

function* stored(cursor: OrderedCursor): Generator<RowState> {
  while (cursor.next()) yield storedRow(cursor);
}

function storedRow(cursor: OrderedCursor): RowState {
  const record = readRowRecordAt(asBuffer(cursor.source), cursor.start, cursor.end);
  const key = decodeRowKey(cursor.key.slice(ROW_PLACE_PREFIX_BYTES));
  if (record === undefined || key === undefined) {
    throw new TidemarkError('CORRUPTION', 'a row met by a scan cannot be read', {
      place: Buffer.from(cursor.key, 'latin1').toString('hex'),
    });
  }
  return { key, row: parseRow(record), version: record.version, position: record.position };
}

/** Stored rows and drafts in one order; a draft hides the stored row of its place. */
function* merged(
  cursor: OrderedCursor,
  drafts: readonly [ByteString, RowChange][],
  reverse = false,
): Generator<RowState> {
  let more = cursor.next();
  for (const [place, draft] of drafts) {
    while (more && (reverse ? cursor.key > place : cursor.key < place)) {
      yield storedRow(cursor);
      more = cursor.next();
    }
    if (more && cursor.key === place) more = cursor.next();
    if (draft.operation === Operation.delete) continue;
    const row = parseBody(draft.table.form, draft.body);
    yield { key: draft.key, row, version: draft.version, position: undefined };
  }
  while (more) {
    yield storedRow(cursor);
    more = cursor.next();
  }
}

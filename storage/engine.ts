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
  assert,
  type ByteString,
  isPlainObject,
  type JsonObject,
  type JsonValue,
  limits,
  TidemarkError,
} from '../base/index.ts';
import type { KeyRange, OrderedView } from './ordered-view.ts';
import {
  bodyLength,
  bodyOf,
  encodeBody,
  encodeValue,
  type KeyValue,
  parseBody,
  parseBodyValue,
  parseRow,
  parseValue,
} from './row-body.ts';
import type {
  ChangeOptions,
  Decision,
  RowChange,
  RowRange,
  RowState,
  RowTable,
  ValueState,
  ValueTable,
} from './row-change.ts';
import { RowCursor } from './row-cursor.ts';
import { Operation, RowForm, type RowRecord } from './row-format.ts';
import type { RowBefore, RowIndexes, UniqueClaims } from './row-indexes.ts';
import { encodeRowKey, type RowKey } from './row-key-format.ts';
import { livePrefix, retiredPrefix } from './row-place-format.ts';
import { AS_KEYS, AS_ROWS, AS_VALUES, merged, placesOf, type Shown, stored } from './row-walk.ts';
import { checkedRecord, shownKey } from './stored-row.ts';

/** A key, and where its row lies. */
interface Place {
  readonly table: RowTable;
  readonly key: RowKey;
  readonly encodedKey: ByteString;
  /** Among the live rows. */
  readonly place: ByteString;
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

  value(): KeyValue {
    const from = this.#from;
    return 'body' in from ? parseBodyValue(from.table.form, from.body) : parseValue(from);
  }
}

export class Engine {
  readonly changes: RowChange[] = [];
  readonly #view: OrderedView;
  /** The newest draft of each place. */
  readonly #drafts = new Map<ByteString, RowChange>();
  readonly #indexes: OrderedView | undefined;
  readonly #claims: UniqueClaims = new Map();

  /** @param indexes the keyspace of the indexes; not needed where nothing is changed */
  constructor(view: OrderedView, indexes?: OrderedView) {
    this.#view = view;
    this.#indexes = indexes;
  }

  /**
   * Takes over changes that were decided elsewhere, against rows that are the same here.
   * @throws UNIQUE_VIOLATION
   */
  adopt(changes: readonly RowChange[]): void {
    for (const change of changes) {
      change.postings?.claim(this.#indexView(), this.#claims);
      this.changes.push(change);
    }
  }

  /** @throws ROW_EXISTS, VERSION_CONFLICT, KEY_TYPE, SCHEMA_VIOLATION and the other errors of a bad row */
  insertRow(table: RowTable, key: RowKey, row: JsonObject, options: ChangeOptions = {}): Decision {
    const at = placeOf(table, key);
    const body = encodeRow(table, key, row);
    const current = this.#expected(at, options);
    if (current === undefined) return this.#insert(at, body);
    throw new TidemarkError(
      'ROW_EXISTS',
      `${table.name} has a row ${shownKey(key)} already, at version ${current.version}`,
      { table: table.name, key, version: current.version },
    );
  }

  /** Undefined if there is no such row. @throws KEY_TYPE */
  readRow(table: RowTable, key: RowKey): RowState | undefined {
    const current = this.#current(placeOf(table, key));
    if (current === undefined) return undefined;
    return { key, row: current.row(), version: current.version, position: current.position };
  }

  /** As `readRow`, of a value. @throws KEY_TYPE */
  readValue(table: ValueTable, key: RowKey): ValueState | undefined {
    const current = this.#current(placeOf(table, key));
    if (current === undefined) return undefined;
    return { key, value: current.value(), version: current.version, position: current.position };
  }

  /** The version of the row under a key; 0 if there is none. @throws KEY_TYPE */
  versionOf(table: RowTable, key: RowKey): number {
    return this.#current(placeOf(table, key))?.version ?? 0;
  }

  /**
   * Puts the row that `change` makes of the present one in its place. It is handed a copy of its own.
   * @param touched columns besides which `change` leaves the row as it is, if that is known
   * @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE, SCHEMA_VIOLATION …
   */
  updateRow(
    table: RowTable,
    key: RowKey,
    change: (row: Record<string, JsonValue | undefined>) => JsonObject,
    options: ChangeOptions = {},
    touched?: readonly string[],
  ): Decision {
    const at = placeOf(table, key);
    const current = this.#expected(at, options);
    if (current === undefined) throw notFound(table, key);
    const body = encodeRow(table, key, change(current.row()));
    return this.#update(at, body, current, options, touched);
  }

  /**
   * Puts a value under a key, whether there was one or not.
   * @throws VERSION_CONFLICT, VALUE_INVALID, VALUE_TOO_LARGE, KEY_TYPE
   */
  putValue(table: ValueTable, key: RowKey, value: KeyValue, options: ChangeOptions = {}): Decision {
    const at = placeOf(table, key);
    const body = encodeValue(table.form, value);
    checkSize(table, key, body, 'VALUE_TOO_LARGE');
    const current = this.#expected(at, options);
    return current === undefined
      ? this.#insert(at, body)
      : this.#update(at, body, current, options);
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_TYPE */
  deleteRow(table: RowTable, key: RowKey, options: ChangeOptions = {}): Decision {
    const at = placeOf(table, key);
    const current = this.#expected(at, options);
    if (current === undefined) throw notFound(table, key);
    return this.#delete(at, current);
  }

  /**
   * As `deleteRow`, but no row is no error: its version is that of its deletion, 0 if it never was.
   * @throws VERSION_CONFLICT, KEY_TYPE
   */
  removeRow(table: RowTable, key: RowKey, options: ChangeOptions = {}): Decision {
    const at = placeOf(table, key);
    const current = this.#expected(at, options);
    if (current !== undefined) return this.#delete(at, current);
    return { key, version: this.#deletedVersion(at), changed: false };
  }

  /** Rows in key order. Synchronous: the view must stay what it is until the walk ends. */
  scan(table: RowTable, range: RowRange = {}): Generator<RowState> {
    return this.#walk(table, range, AS_ROWS);
  }

  /** As `scan`, of rows alone, where there are no drafts. Close it when done. */
  rowCursor(table: RowTable, range: RowRange = {}): RowCursor {
    assert(this.#drafts.size === 0, 'who drafts scans with the drafts');
    return new RowCursor(
      this.#view.scan(placesOf(table, range)),
      range.limit ?? Number.POSITIVE_INFINITY,
    );
  }

  /** As `scan`, of values. */
  scanValues(table: ValueTable, range: RowRange = {}): Generator<ValueState> {
    return this.#walk(table, range, AS_VALUES);
  }

  /** As `scan`, of keys alone: nothing is parsed. */
  scanKeys(table: RowTable, range: RowRange = {}): Generator<RowKey> {
    return this.#walk(table, range, AS_KEYS);
  }

  *#walk<T>(table: RowTable, range: RowRange, shown: Shown<T>): Generator<T> {
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    const places = placesOf(table, range);
    const drafts = this.#draftsIn(places);
    const cursor = this.#view.scan(places);
    try {
      const rows =
        drafts.length === 0
          ? stored(cursor, shown)
          : merged(cursor, drafts, shown, range.reverse === true);
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

  #insert(at: Place, body: string): Decision {
    const { table, key, encodedKey } = at;
    const version = this.#deletedVersion(at) + 1;
    const operation = Operation.insert;
    return this.#draft(at.place, {
      table,
      key,
      encodedKey,
      operation,
      version,
      body,
      before: undefined,
      touched: undefined,
    });
  }

  #update(
    at: Place,
    body: string,
    before: Current,
    options: ChangeOptions,
    touched?: readonly string[],
  ): Decision {
    const { table, key, encodedKey } = at;
    if (body === before.body() && options.writeUnchanged !== true) {
      return { key, version: before.version, changed: false };
    }
    const operation = Operation.update;
    return this.#draft(at.place, {
      table,
      key,
      encodedKey,
      operation,
      version: before.version + 1,
      body,
      before,
      touched,
    });
  }

  #delete(at: Place, before: Current): Decision {
    const { table, key, encodedKey } = at;
    const operation = Operation.delete;
    return this.#draft(at.place, {
      table,
      key,
      encodedKey,
      operation,
      version: before.version + 1,
      body: '',
      before,
      touched: undefined,
    });
  }

  #draft(place: ByteString, change: RowChange): Decision {
    const { indexes } = change.table;
    const drafted = indexes === undefined ? change : this.#indexed(indexes, change);
    this.changes.push(drafted);
    this.#drafts.set(place, drafted);
    return { key: change.key, version: change.version, changed: true };
  }

  #indexed(indexes: RowIndexes, change: RowChange): RowChange {
    const { key, encodedKey, before, body, operation, table } = change;
    const { form } = table;
    const isDelete = operation === Operation.delete;
    // From what is stored, not from what was given: BSON may read it another way.
    const after = isDelete ? undefined : { form, row: parseBody(form, body) };
    const postings = indexes.postingsOf({ key, encodedKey, before, after });
    postings.claim(this.#indexView(), this.#claims);
    return { ...change, postings };
  }

  #indexView(): OrderedView {
    assert(this.#indexes !== undefined, 'who changes rows hands in the indexes');
    return this.#indexes;
  }

  /** @throws VERSION_CONFLICT */
  #expected(at: Place, options: ChangeOptions): Current | undefined {
    const current = this.#current(at);
    expectVersion(at.table, at.key, current?.version ?? 0, options);
    return current;
  }

  #current({ table, key, place }: Place): Current | undefined {
    const draft = this.#drafts.get(place);
    if (draft !== undefined) {
      const isDeleted = draft.operation === Operation.delete;
      return isDeleted ? undefined : new Current(draft);
    }
    const value = this.#view.get(place);
    if (value === undefined) return undefined;
    return new Current(checkedRecord(value, table, key));
  }

  /** The version at which a key that is not live was deleted; 0 if it never lived. */
  #deletedVersion({ table, encodedKey, place }: Place): number {
    const draft = this.#drafts.get(place);
    if (draft !== undefined) return draft.version;
    const value = this.#view.get(retiredPrefix(table.id) + encodedKey);
    return value === undefined ? 0 : checkedRecord(value, table, encodedKey).version;
  }
}

function placeOf(table: RowTable, key: RowKey): Place {
  const encodedKey = encodeRowKey(key, table.keyType, table.name);
  return { table, key, encodedKey, place: livePrefix(table.id) + encodedKey };
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
  checkSize(table, key, body, 'ROW_TOO_LARGE');
  return body;
}

function checkSize(
  { name, form }: RowTable,
  key: RowKey,
  body: string,
  code: 'ROW_TOO_LARGE' | 'VALUE_TOO_LARGE',
): void {
  const limit = limits.ROW_BYTES_MAX;
  if (body.length <= limit / 3) return;
  const size = bodyLength(form, body);
  if (size <= limit) return;
  const message = `row ${shownKey(key)} of ${name} takes ${size} bytes; the limit is ${limit}`;
  throw new TidemarkError(code, message, { table: name, key, limit });
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

import { TidemarkError } from '../base/errors.ts';
import { type FindPage, type FindQuery, type FoundRow, found } from './find.ts';
import { linesOf } from './lines.ts';
import type { Place } from './place.ts';
import { momentOf } from './transport.ts';
import type {
  AnsweredMoment,
  ChangeOutcome,
  ChangesOutcome,
  ColumnBlame,
  Entry,
  Row,
  RowKey,
  RowVersion,
  TableDefinition,
  TransactionOutcome,
} from './wire.ts';
import { type ChangeOptions, matching, type WriteOptions, writeHeaders } from './write-options.ts';

export interface RowRange {
  /** Inclusive. */
  readonly from?: RowKey | undefined;
  /** Exclusive. */
  readonly to?: RowKey | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface HistoryOptions {
  readonly limit?: number | undefined;
  readonly reverse?: boolean | undefined;
}

/** A row, its version, and the moment it was read at. */
export interface ReadRow {
  readonly row: Row;
  readonly version: number;
  readonly asOf: AnsweredMoment;
}

/** A table of the past: everything that reads, at one moment. */
export class RemotePastTable {
  readonly name: string;
  protected readonly place: Place;

  constructor(name: string, place: Place) {
    this.name = name;
    this.place = place;
  }

  /** Undefined if there is no such row. */
  async get(key: RowKey): Promise<Row | undefined> {
    return (await this.read(key))?.row;
  }

  /** As `get`, with its version and the moment. */
  async read(key: RowKey): Promise<ReadRow | undefined> {
    try {
      const { body, headers } = await this.place.get<Row>(this.rowPath(key));
      const version = Number(/\d+/.exec(headers.get('etag') ?? '')?.[0] ?? 0);
      return { row: body, version, asOf: momentOf(headers) };
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'ROW_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async has(key: RowKey): Promise<boolean> {
    return (await this.read(key)) !== undefined;
  }

  async count(): Promise<number> {
    const { body } = await this.place.get<{ rows: number }>(this.path());
    return body.rows;
  }

  async definition(): Promise<TableDefinition> {
    return (await this.place.get<TableDefinition>(this.path())).body;
  }

  /** Rows in key order, as of one moment, streamed: the service sends no faster than they are taken. */
  async *scan(range: RowRange = {}): AsyncGenerator<Row> {
    for await (const line of this.#lines(range, 'row')) yield JSON.parse(line) as Row;
  }

  /** As `scan`, with keys, versions and positions. */
  async *entries(range: RowRange = {}): AsyncGenerator<Entry> {
    for await (const line of this.#lines(range, 'entry')) yield JSON.parse(line) as Entry;
  }

  /** Every version of a row, oldest first, deletions included. */
  async history(key: RowKey, options: HistoryOptions = {}): Promise<readonly RowVersion[]> {
    const { limit, reverse } = options;
    const path = `${this.rowPath(key)}/history`;
    const { body } = await this.place.get<{ versions: RowVersion[] }>(path, { limit, reverse });
    return body.versions;
  }

  /** For each column who gave it its value, when and why. @throws ROW_NOT_FOUND */
  async blame(key: RowKey): Promise<readonly ColumnBlame[]> {
    const path = `${this.rowPath(key)}/blame`;
    return (await this.place.get<{ columns: ColumnBlame[] }>(path)).body.columns;
  }

  /** One page of rows that fit. @throws INDEX_MISSING, QUERY_INVALID … */
  find(query: FindQuery = {}): Promise<FindPage> {
    return found(this.place, `${this.path()}/find`, query);
  }

  /** All rows that fit, page by page, as of the moment of the first page. */
  async *findAll(query: FindQuery = {}): AsyncGenerator<FoundRow> {
    let page = await this.find(query);
    for (;;) {
      yield* page.rows;
      if (page.next === undefined) return;
      page = await this.find({ ...query, cursor: page.next });
    }
  }

  /** How a query would be answered. */
  explain(query: FindQuery = {}): Promise<Pick<FindPage, 'position' | 'time' | 'plan'>> {
    return this.place.ask(`${this.path()}/find`, query, { explain: true });
  }

  protected path(): string {
    return `/tables/${encodeURIComponent(this.name)}`;
  }

  protected rowPath(key: RowKey): string {
    return `${this.path()}/rows/${encodeURIComponent(key)}`;
  }

  async *#lines(range: RowRange, shape: 'row' | 'entry'): AsyncGenerator<string> {
    const { from, to, reverse, limit } = range;
    if (limit === 0) return;
    const query = { from, to, reverse, limit, shape };
    const body = await this.place.lines(`${this.path()}/rows`, query);
    for await (const line of linesOf(body)) if (line !== '') yield line;
  }
}

/** A table of now: what reads, and what changes. Changes resolve when they are durable. */
export class RemoteTable extends RemotePastTable {
  /** Adds a row, under its primary key or under the next key the store gives. @throws ROW_EXISTS … */
  insert(row: Row, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#write('POST', `${this.path()}/rows`, row, options);
  }

  /** Adds rows in one commit: all or none. */
  insertMany(rows: readonly Row[], options: WriteOptions = {}): Promise<ChangesOutcome> {
    return this.#write('POST', `${this.path()}/rows/batch`, { rows }, options);
  }

  /** Sets the given columns; the others stay. @throws ROW_NOT_FOUND, VERSION_CONFLICT … */
  async update(key: RowKey, changes: Row, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    const { expectedVersion, ...how } = options;
    const operation = {
      op: 'update',
      table: this.name,
      key,
      changes,
      ...(expectedVersion === undefined ? {} : { expectedVersion }),
    };
    const body = {
      operations: [operation],
      ...(how.fields === undefined ? {} : { fields: how.fields }),
    };
    const outcome = await this.#write<TransactionOutcome>('POST', '/transactions', body, how);
    const { results, ...commit } = outcome;
    const { version, changed } = results[0] ?? {};
    if (version !== undefined)
      return { key, version: Number(version), changed: changed === true, ...commit };
    // The outcome of an earlier request: the row was as it left it at that position.
    const past = await this.place.at({ position: commit.position }).get<Row>(this.rowPath(key));
    const then = Number(/\d+/.exec(past.headers.get('etag') ?? '')?.[0] ?? 0);
    return { key, version: then, changed: true, ...commit };
  }

  /** Merges a patch into the row (RFC 7396): null takes a member away. @throws ROW_NOT_FOUND … */
  patch(key: RowKey, patch: Row, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#write('PATCH', this.rowPath(key), patch, options, matching(options));
  }

  /** Puts `row` in the place of the one that is there. @throws ROW_NOT_FOUND, VERSION_CONFLICT … */
  replace(key: RowKey, row: Row, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    const headers = matching(options) ?? { 'if-match': '*' };
    return this.#write('PUT', this.rowPath(key), row, options, headers);
  }

  /** Inserts the row, or replaces the one under its primary key. */
  upsert(row: Row, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#write('POST', `${this.path()}/rows?mode=upsert`, row, options);
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT */
  delete(key: RowKey, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#write('DELETE', this.rowPath(key), undefined, options, matching(options));
  }

  async #write<T>(
    method: string,
    path: string,
    body: unknown,
    options: WriteOptions,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const sent = { ...writeHeaders(options), ...headers };
    return this.place.write<T>(method, path, body, sent, options.signal);
  }
}

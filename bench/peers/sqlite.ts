/**
 * SQLite as its users keep a history: triggers copy every version into a second table, which is
 * indexed for questions about one row. Write-ahead log, a sync at every commit, strict tables, and
 * as much cache as Tidemark has memtables and blocks.
 *
 * The moment of a commit is a row of `commits`, which the triggers look up: SQLite's own clock has
 * milliseconds and moves within a transaction. History in order of its arrival with an index over
 * (id, moment) was measured against a table clustered by (id, moment): see docs/benchmarks.md.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ORDER_COLUMNS, type Order, type OrderChange } from '../orders.ts';
import type {
  FindQuestion,
  Moment,
  PastQuestion,
  Peer,
  PeerStore,
  Row,
  Visit,
  VisitDifference,
  VisitLines,
} from './peer.ts';
import { requirePeer } from './require-peer.ts';

/** The parts of better-sqlite3 that are used. */
interface Statement {
  run(...parameters: unknown[]): unknown;
  get(...parameters: unknown[]): Row | undefined;
  iterate(...parameters: unknown[]): Iterable<Row>;
}
interface Sqlite {
  exec(sql: string): unknown;
  pragma(text: string): unknown;
  prepare(sql: string): Statement;
  transaction<T>(work: (argument: T) => void): (argument: T) => void;
  close(): unknown;
}
type SqliteConstructor = new (file: string) => Sqlite;

/** Throws what Node says if the package is not installed. */
export function loadSqlite(): Peer {
  const Connection: SqliteConstructor = requirePeer('better-sqlite3');
  return {
    name: 'sqlite',
    isServer: false,
    setup:
      'better-sqlite3, WAL, synchronous=FULL, history by triggers with an index, 128 MiB cache',
    async open(directory) {
      mkdirSync(directory, { recursive: true });
      return new SqliteStore(new Connection(join(directory, 'orders.db')), directory);
    },
  };
}

const CACHE_KIB = 128 * 1024;
const COLUMNS = ORDER_COLUMNS.join(', ');
const DECLARED = `customer TEXT NOT NULL, status TEXT NOT NULL, amount INTEGER NOT NULL,
  city TEXT NOT NULL, placed TEXT NOT NULL, note TEXT NOT NULL`;

function recorded(event: string, operation: string, row: 'NEW' | 'OLD'): string {
  const values = ORDER_COLUMNS.map((column) => `${row}.${column}`).join(', ');
  const version = operation === 'delete' ? 'OLD.version + 1' : 'NEW.version';
  return `CREATE TRIGGER IF NOT EXISTS orders_${operation} AFTER ${event} ON orders BEGIN
    INSERT INTO orders_history (moment, op, version, ${COLUMNS})
    VALUES ((SELECT max(moment) FROM commits), '${operation}', ${version}, ${values}); END;`;
}

const DEFINITIONS = `
CREATE TABLE IF NOT EXISTS commits
  (moment INTEGER PRIMARY KEY, actor TEXT, reason TEXT, first INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders
  (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, ${DECLARED}) STRICT;
CREATE TABLE IF NOT EXISTS orders_history
  (position INTEGER PRIMARY KEY, moment INTEGER NOT NULL, op TEXT NOT NULL,
   version INTEGER NOT NULL, id INTEGER NOT NULL, ${DECLARED}) STRICT;
CREATE INDEX IF NOT EXISTS orders_history_by_id ON orders_history (id, moment);
${recorded('INSERT', 'insert', 'NEW')}
${recorded('UPDATE', 'update', 'NEW')}
${recorded('DELETE', 'delete', 'OLD')}`;

class SqliteStore implements PeerStore {
  readonly #connection: Sqlite;
  readonly #directory: string;
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, Statement>>;
  readonly #inTransaction: (work: () => void) => void;
  /** Prepared questions, by their text. */
  readonly #found = new Map<string, Statement>();
  #lastMoment = 0;

  constructor(connection: Sqlite, directory: string) {
    this.#connection = connection;
    this.#directory = directory;
    connection.pragma('journal_mode = WAL');
    connection.pragma('synchronous = FULL');
    connection.pragma(`cache_size = -${CACHE_KIB}`);
    connection.exec(DEFINITIONS);
    this.#inTransaction = connection.transaction((work) => work());
    const prepare = (name: keyof typeof STATEMENTS) => connection.prepare(STATEMENTS[name]);
    this.#statements = {
      commit: prepare('commit'),
      insert: prepare('insert'),
      update: prepare('update'),
      read: prepare('read'),
      readAsOf: prepare('readAsOf'),
      scan: prepare('scan'),
      scanAsOf: prepare('scanAsOf'),
      history: prepare('history'),
      lines: prepare('lines'),
      linesAsOf: prepare('linesAsOf'),
      diff: prepare('diff'),
      rowAt: prepare('rowAt'),
      tail: prepare('tail'),
    };
  }

  insert(orders: readonly Order[]): Moment {
    const { insert } = this.#statements;
    return this.#transact(() => {
      for (const { id, customer, status, amount, city, placed, note } of orders) {
        insert.run(id, customer, status, amount, city, placed, note);
      }
    });
  }

  update(changes: readonly OrderChange[]): Moment {
    const { update } = this.#statements;
    return this.#transact(() => {
      for (const { id, status, amount } of changes) update.run(status, amount, id);
    });
  }

  read(ids: readonly number[], visit: Visit): void {
    const { read } = this.#statements;
    for (let i = 0; i < ids.length; i++) visit(read.get(ids[i]), i);
  }

  readAsOf(questions: readonly PastQuestion[], visit: Visit): void {
    const { readAsOf } = this.#statements;
    for (let i = 0; i < questions.length; i++) {
      const { id, moment } = questions[i]!;
      const row = readAsOf.get(id, moment);
      visit(row?.op === 'delete' ? undefined : row, i);
    }
  }

  scan(visit: Visit): void {
    let index = 0;
    for (const row of this.#statements.scan.iterate()) visit(row, index++);
  }

  scanAsOf(moment: Moment, visit: Visit): void {
    let index = 0;
    for (const row of this.#statements.scanAsOf.iterate(moment)) visit(row, index++);
  }

  scanLines(moment: Moment | undefined, visit: VisitLines): void {
    const { lines, linesAsOf } = this.#statements;
    const found = moment === undefined ? lines.iterate() : linesAsOf.iterate(moment);
    for (const { line } of found) visit(`${line}\n`);
  }

  diff(from: Moment, to: Moment, visit: VisitDifference): void {
    const { diff, rowAt } = this.#statements;
    // All first: a statement that is under way cannot be asked again.
    const changed = [...diff.iterate({ from, to })];
    for (const { earlier, later } of changed) {
      const before = earlier === null ? undefined : rowAt.get(earlier);
      const after = rowAt.get(later);
      visit(before, after?.op === 'delete' ? undefined : after);
    }
  }

  tail(count: number, visit: Visit): void {
    let index = 0;
    for (const row of this.#statements.tail.iterate(count)) visit(row, index++);
  }

  history(id: number, visit: Visit): void {
    let index = 0;
    for (const row of this.#statements.history.iterate(id)) visit(row, index++);
  }

  addIndexes(count: number): void {
    for (const columns of INDEXES.slice(0, count)) {
      const name = columns.replaceAll(', ', '_');
      this.#connection.exec(`CREATE INDEX orders_by_${name} ON orders (${columns});
        CREATE INDEX orders_history_by_${name} ON orders_history (${columns}, moment)`);
    }
  }

  find(question: FindQuestion, moment: Moment | undefined, visit: Visit): void {
    const { amountFrom, amountTo, limit, city, placed, status } = question;
    const conditions = [
      ...Object.entries({ city, placed, status })
        .filter(([, value]) => value !== undefined)
        .map(([column]) => `${column} = @${column}`),
      ...(amountFrom === undefined ? [] : ['amount >= @amountFrom']),
      ...(amountTo === undefined ? [] : ['amount < @amountTo']),
    ];
    const order = amountFrom === undefined ? 'id' : 'amount';
    const from =
      moment === undefined
        ? `orders WHERE ${conditions.join(' AND ')}`
        : `orders_history AS h WHERE ${conditions.join(' AND ')} AND moment <= @moment
          AND op <> 'delete' AND position = (SELECT position FROM orders_history
            WHERE id = h.id AND moment <= @moment ORDER BY moment DESC, position DESC LIMIT 1)`;
    const text = `SELECT ${COLUMNS} FROM ${from} ORDER BY ${order} LIMIT ${limit ?? -1}`;
    let statement = this.#found.get(text);
    if (statement === undefined) {
      statement = this.#connection.prepare(text);
      this.#found.set(text, statement);
    }
    const given = { amountFrom, amountTo, city, placed, status, moment };
    let index = 0;
    for (const row of statement.iterate(given)) visit(row, index++);
  }

  compact(): void {
    this.#connection.exec('VACUUM');
    this.#connection.pragma('wal_checkpoint(TRUNCATE)');
  }

  parts(): Readonly<Record<string, number>> {
    return { database: statSync(join(this.#directory, 'orders.db')).size };
  }

  close(): void {
    this.#connection.close();
  }

  #transact(work: () => void): Moment {
    const moment = Math.max(this.#lastMoment + 1, Date.now() * 1000);
    this.#lastMoment = moment;
    this.#inTransaction(() => {
      this.#statements.commit.run(moment, 'bench', 'measuring');
      work();
    });
    return moment;
  }
}

const INDEXES = ['city, placed', 'amount', 'city', 'status'];

const AS_JSON = `json_object(${ORDER_COLUMNS.map((column) => `'${column}', ${column}`).join(', ')})`;

/** Position of the first change after a moment: commits keep where they begin, so none is searched. */
function firstAfter(moment: string): string {
  return `coalesce((SELECT first FROM commits WHERE moment > ${moment} ORDER BY moment LIMIT 1),
    (SELECT max(position) + 1 FROM orders_history))`;
}

const STATEMENTS = {
  commit: `INSERT INTO commits (moment, actor, reason, first)
    VALUES (?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM orders_history))`,
  insert: `INSERT INTO orders (version, ${COLUMNS}) VALUES (1, ?, ?, ?, ?, ?, ?, ?)`,
  update: 'UPDATE orders SET status = ?, amount = ?, version = version + 1 WHERE id = ?',
  read: `SELECT ${COLUMNS} FROM orders WHERE id = ?`,
  readAsOf: `SELECT op, ${COLUMNS} FROM orders_history WHERE id = ? AND moment <= ?
    ORDER BY moment DESC, position DESC LIMIT 1`,
  scan: `SELECT ${COLUMNS} FROM orders ORDER BY id`,
  scanAsOf: `SELECT ${COLUMNS} FROM
    (SELECT max(position) AS newest FROM orders_history WHERE moment <= ? GROUP BY id)
    JOIN orders_history ON position = newest WHERE op <> 'delete'`,
  lines: `SELECT ${AS_JSON} AS line FROM orders ORDER BY id`,
  linesAsOf: `SELECT ${AS_JSON} AS line FROM
    (SELECT max(position) AS newest FROM orders_history WHERE moment <= ? GROUP BY id)
    JOIN orders_history ON position = newest WHERE op <> 'delete'`,
  diff: `SELECT later, (SELECT max(position) FROM orders_history AS h
      WHERE h.id = changed.id AND position < changed.begin) AS earlier
    FROM (SELECT id, begin, max(position) AS later
      FROM (SELECT ${firstAfter('@from')} AS begin, ${firstAfter('@to')} AS stop)
      JOIN orders_history ON position >= begin AND position < stop
      GROUP BY id) AS changed ORDER BY id`,
  rowAt: `SELECT op, ${COLUMNS} FROM orders_history WHERE position = ?`,
  tail: `SELECT op, version, moment, commits.actor, commits.reason, ${COLUMNS} FROM orders_history
    JOIN commits USING (moment) ORDER BY position DESC LIMIT ?`,
  history: `SELECT op, version, moment, ${COLUMNS} FROM orders_history WHERE id = ?
    ORDER BY moment, position`,
} as const;

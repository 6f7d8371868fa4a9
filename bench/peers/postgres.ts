/**
 * PostgreSQL with an audit trigger: every version into a second table with an index for questions
 * about one row. Rows go in one statement a commit, as arrays; single commits over a pool.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { assert } from '../../base/index.ts';
import { ORDER_COLUMNS, type Order, type OrderChange } from '../orders.ts';
import type { Moment, PastQuestion, Peer, PeerStore, Row, Visit } from './peer.ts';
import {
  freePort,
  installedProgram,
  makeOwnDirectory,
  PrivateServer,
  runToEnd,
  serverAccount,
} from './private-server.ts';
import { requirePeer } from './require-peer.ts';

/** The parts of pg that are used. */
interface Query {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}
interface Pool {
  query(query: Query | string): Promise<{ readonly rows: Row[] }>;
  /** Of connections that nobody uses: the server closes some of them as it ends. */
  on(event: 'error', listener: () => void): void;
  end(): Promise<void>;
}
interface PgPackage {
  Pool: new (options: Record<string, unknown>) => Pool;
  types: { setTypeParser(oid: number, parse: (text: string) => unknown): void };
}

const INT8 = 20;
const CONNECTIONS = 64;
const EVENTS_MAX = 100_000;

/** @throws if the driver or the server is not installed */
export function loadPostgres(): Peer {
  const pg: PgPackage = requirePeer('pg');
  const initialise = installedProgram('initdb');
  const server = installedProgram('postgres');
  assert(
    initialise !== undefined && server !== undefined,
    'the package postgresql is not installed',
  );
  pg.types.setTypeParser(INT8, Number);
  return {
    name: 'postgres',
    setup:
      'PostgreSQL from Debian on loopback, synchronous_commit=on, history by an audit trigger with an index, 128 MB shared_buffers; pool of 64',
    isServer: true,
    eventsMax: EVENTS_MAX,
    async open(place) {
      const directory = resolve(place);
      const account = serverAccount('postgres');
      const data = join(directory, 'data');
      if (!existsSync(data)) {
        makeOwnDirectory(directory, account);
        runToEnd(initialise, ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'], account);
      }
      const port = await freePort();
      const settings = [
        'listen_addresses=127.0.0.1',
        'unix_socket_directories=',
        'shared_buffers=128MB',
        'max_wal_size=2GB',
      ];
      const words = ['-D', data, '-p', String(port), ...settings.flatMap((each) => ['-c', each])];
      const process = new PrivateServer(server, words, account);
      const pool = new pg.Pool({
        host: '127.0.0.1',
        port,
        user: 'bench',
        database: 'postgres',
        max: CONNECTIONS,
      });
      pool.on('error', () => {});
      await process.answered(() => pool.query(DEFINITIONS));
      return new PostgresStore(pool, process);
    },
  };
}

const COLUMNS = ORDER_COLUMNS.join(', ');
const DECLARED = `customer text NOT NULL, status text NOT NULL, amount bigint NOT NULL,
  city text NOT NULL, placed text NOT NULL, note text NOT NULL`;
const NOW = '(extract(epoch FROM now()) * 1000000)::bigint';

const DEFINITIONS = `
CREATE TABLE IF NOT EXISTS commits (moment bigint PRIMARY KEY, actor text, reason text);
CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, version integer NOT NULL, ${DECLARED});
CREATE TABLE IF NOT EXISTS orders_history
  (position bigserial PRIMARY KEY, moment bigint NOT NULL, op text NOT NULL,
   version integer NOT NULL, id bigint NOT NULL, ${DECLARED});
CREATE INDEX IF NOT EXISTS orders_history_by_id ON orders_history (id, moment, position);
CREATE OR REPLACE FUNCTION recorded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO orders_history (moment, op, version, ${COLUMNS}) VALUES
      (${NOW}, 'delete', OLD.version + 1, ${ORDER_COLUMNS.map((column) => `OLD.${column}`).join(', ')});
  ELSE
    INSERT INTO orders_history (moment, op, version, ${COLUMNS}) VALUES
      (${NOW}, lower(TG_OP), NEW.version, ${ORDER_COLUMNS.map((column) => `NEW.${column}`).join(', ')});
  END IF;
  RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER orders_recorded AFTER INSERT OR UPDATE OR DELETE ON orders
  FOR EACH ROW EXECUTE FUNCTION recorded();`;

class PostgresStore implements PeerStore {
  readonly #pool: Pool;
  readonly #server: PrivateServer;

  constructor(pool: Pool, server: PrivateServer) {
    this.#pool = pool;
    this.#server = server;
  }

  insert(orders: readonly Order[]): Promise<Moment> {
    return this.#commit(
      'insert',
      ORDER_COLUMNS.map((column) => orders.map((order) => order[column])),
    );
  }

  update(changes: readonly OrderChange[]): Promise<Moment> {
    const columns = ['id', 'status', 'amount'] as const;
    return this.#commit(
      'update',
      columns.map((column) => changes.map((change) => change[column])),
    );
  }

  async read(ids: readonly number[], visit: Visit): Promise<void> {
    for (let i = 0; i < ids.length; i++) {
      const { rows } = await this.#ask('read', [ids[i]]);
      visit(rows[0], i);
    }
  }

  async readAsOf(questions: readonly PastQuestion[], visit: Visit): Promise<void> {
    for (let i = 0; i < questions.length; i++) {
      const { id, moment } = questions[i]!;
      const { rows } = await this.#ask('readAsOf', [id, moment]);
      visit(rows[0]?.op === 'delete' ? undefined : rows[0], i);
    }
  }

  async scan(visit: Visit): Promise<void> {
    (await this.#ask('scan', [])).rows.forEach(visit);
  }

  async scanAsOf(moment: Moment, visit: Visit): Promise<void> {
    (await this.#ask('scanAsOf', [moment])).rows.forEach(visit);
  }

  async history(id: number, visit: Visit): Promise<void> {
    (await this.#ask('history', [id])).rows.forEach(visit);
  }

  async compact(): Promise<void> {
    await this.#pool.query('VACUUM FULL');
  }

  parts(): Readonly<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#server.stop('SIGINT');
  }

  async #commit(name: 'insert' | 'update', columns: readonly unknown[][]): Promise<Moment> {
    const { rows } = await this.#ask(name, columns);
    return Number(rows[0]?.moment);
  }

  /** Prepared on each connection at its first use. */
  #ask(name: keyof typeof STATEMENTS, values: readonly unknown[]) {
    return this.#pool.query({ name, text: STATEMENTS[name], values });
  }
}

const STATEMENTS = {
  insert: `WITH commit AS (INSERT INTO commits VALUES (${NOW}, 'bench', 'measuring')
      ON CONFLICT DO NOTHING), written AS (
    INSERT INTO orders (version, ${COLUMNS}) SELECT 1, * FROM unnest(
      $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[]))
    SELECT ${NOW} AS moment`,
  update: `WITH commit AS (INSERT INTO commits VALUES (${NOW}, 'bench', 'measuring')
      ON CONFLICT DO NOTHING), written AS (
    UPDATE orders SET status = change.status, amount = change.amount, version = version + 1
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS change(id, status, amount)
    WHERE orders.id = change.id)
    SELECT ${NOW} AS moment`,
  read: `SELECT ${COLUMNS} FROM orders WHERE id = $1`,
  readAsOf: `SELECT op, ${COLUMNS} FROM orders_history WHERE id = $1 AND moment <= $2
    ORDER BY moment DESC, position DESC LIMIT 1`,
  scan: `SELECT ${COLUMNS} FROM orders ORDER BY id`,
  scanAsOf: `SELECT ${COLUMNS} FROM
    (SELECT DISTINCT ON (id) op, ${COLUMNS} FROM orders_history WHERE moment <= $1
      ORDER BY id, moment DESC, position DESC) AS newest WHERE op <> 'delete' ORDER BY id`,
  history: `SELECT op, version, moment, ${COLUMNS} FROM orders_history WHERE id = $1
    ORDER BY moment, position`,
} as const;

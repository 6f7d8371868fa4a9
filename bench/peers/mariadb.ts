/** MariaDB with a system-versioned table, which is what it has for questions about the past. */
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

/** The parts of mysql2 that are used. */
interface Pool {
  query(sql: string, values?: readonly unknown[]): Promise<[Row[], unknown]>;
  execute(sql: string, values?: readonly unknown[]): Promise<[Row[], unknown]>;
  end(): Promise<void>;
}
interface MysqlPackage {
  createPool(options: Record<string, unknown>): Pool;
}

const CONNECTIONS = 64;
const EVENTS_MAX = 100_000;

/** @throws if the driver or the server is not installed */
export function loadMariadb(): Peer {
  const mysql: MysqlPackage = requirePeer('mysql2/promise');
  const initialise = installedProgram('mariadb-install-db');
  const server = installedProgram('mariadbd');
  assert(
    initialise !== undefined && server !== undefined,
    'the package mariadb-server is not installed',
  );
  return {
    name: 'mariadb',
    setup:
      'MariaDB from Debian on loopback, system-versioned table, innodb_flush_log_at_trx_commit=1, 128 MB buffer pool; pool of 64',
    isServer: true,
    eventsMax: EVENTS_MAX,
    async open(place) {
      const directory = resolve(place);
      const account = serverAccount('mysql');
      const data = join(directory, 'data');
      const common = ['--no-defaults', `--datadir=${data}`];
      if (!existsSync(data)) {
        makeOwnDirectory(directory, account);
        const words = [...common, '--auth-root-authentication-method=normal', '--skip-test-db'];
        runToEnd(initialise, words, account);
      }
      const port = await freePort();
      const settings = [
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        `--socket=${join(data, 'server.sock')}`,
        '--skip-name-resolve',
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=128M',
        '--max-connections=200',
      ];
      const process = new PrivateServer(server, [...common, ...settings], account);
      const pool = mysql.createPool({
        host: '127.0.0.1',
        port,
        user: 'root',
        database: 'mysql',
        connectionLimit: CONNECTIONS,
        multipleStatements: true,
        supportBigNumbers: true,
        timezone: 'Z',
      });
      await process.answered(() => pool.query(DEFINITIONS));
      return new MariadbStore(pool, process);
    },
  };
}

const COLUMNS = ORDER_COLUMNS.join(', ');

const DEFINITIONS = `
SET GLOBAL time_zone = '+00:00';
CREATE DATABASE IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.orders
  (id BIGINT PRIMARY KEY, version INT NOT NULL, customer VARCHAR(64) NOT NULL,
   status VARCHAR(16) NOT NULL, amount BIGINT NOT NULL, city VARCHAR(32) NOT NULL,
   placed VARCHAR(16) NOT NULL, note VARCHAR(255) NOT NULL) WITH SYSTEM VERSIONING;`;

class MariadbStore implements PeerStore {
  readonly #pool: Pool;
  readonly #server: PrivateServer;
  #lastMoment = 0;

  constructor(pool: Pool, server: PrivateServer) {
    this.#pool = pool;
    this.#server = server;
  }

  insert(orders: readonly Order[]): Promise<Moment> {
    const rows = orders.map((order) => [1, ...ORDER_COLUMNS.map((column) => order[column])]);
    return this.#commit(
      `INSERT INTO bench.orders (version, ${COLUMNS}) VALUES ?`,
      rows,
      rows.length > 1,
    );
  }

  update(changes: readonly OrderChange[]): Promise<Moment> {
    return this.#commit(UPDATE, JSON.stringify(changes));
  }

  async read(ids: readonly number[], visit: Visit): Promise<void> {
    for (let i = 0; i < ids.length; i++) {
      const [rows] = await this.#pool.execute(READ, [ids[i]]);
      visit(rows[0], i);
    }
  }

  async readAsOf(questions: readonly PastQuestion[], visit: Visit): Promise<void> {
    for (let i = 0; i < questions.length; i++) {
      const { id, moment } = questions[i]!;
      const [rows] = await this.#pool.execute(READ_AS_OF, [inSeconds(moment), id]);
      visit(rows[0], i);
    }
  }

  async scan(visit: Visit): Promise<void> {
    const [rows] = await this.#pool.query(`SELECT ${COLUMNS} FROM bench.orders ORDER BY id`);
    rows.forEach(visit);
  }

  async scanAsOf(moment: Moment, visit: Visit): Promise<void> {
    const [rows] = await this.#pool.query(SCAN_AS_OF, [inSeconds(moment)]);
    rows.forEach(visit);
  }

  async history(id: number, visit: Visit): Promise<void> {
    const [rows] = await this.#pool.execute(HISTORY, [id]);
    rows.forEach(visit);
  }

  async compact(): Promise<void> {
    await this.#pool.query('OPTIMIZE TABLE bench.orders');
  }

  parts(): Readonly<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#server.stop('SIGTERM');
  }

  /**
   * One statement, which is one commit. The server stamps its rows with the time the statement
   * began: where the past is asked for later, it is given that time, to the microsecond.
   */
  async #commit(sql: string, values: unknown, isAsked = true): Promise<Moment> {
    const moment = Math.max(this.#lastMoment + 1, Date.now() * 1000);
    this.#lastMoment = moment;
    const stamped = isAsked ? `SET timestamp = ${inSeconds(moment)}; ${sql}` : sql;
    await this.#pool.query(stamped, [values]);
    return moment;
  }
}

/** Decimal text: as a floating-point number it would lose its last digit. */
function inSeconds(moment: Moment): string {
  return `${Math.floor(moment / 1e6)}.${String(moment % 1e6).padStart(6, '0')}`;
}

const UPDATE = `UPDATE bench.orders JOIN JSON_TABLE(?, '$[*]' COLUMNS
    (id BIGINT PATH '$.id', status VARCHAR(16) PATH '$.status', amount BIGINT PATH '$.amount')) AS changed
    ON orders.id = changed.id
  SET orders.status = changed.status, orders.amount = changed.amount, version = version + 1`;
const READ = `SELECT ${COLUMNS} FROM bench.orders WHERE id = ?`;
const READ_AS_OF = `SELECT ${COLUMNS} FROM bench.orders
  FOR SYSTEM_TIME AS OF FROM_UNIXTIME(CAST(? AS DECIMAL(20, 6))) WHERE id = ?`;
const SCAN_AS_OF = `SELECT ${COLUMNS} FROM bench.orders
  FOR SYSTEM_TIME AS OF FROM_UNIXTIME(CAST(? AS DECIMAL(20, 6))) ORDER BY id`;
const HISTORY = `SELECT version, ROW_START, ${COLUMNS} FROM bench.orders
  FOR SYSTEM_TIME ALL WHERE id = ? ORDER BY ROW_START`;

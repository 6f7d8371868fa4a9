/**
 * Scripted lives of a database, small enough to be cut off after each of their file operations. Each
 * brings one part of the store to work; together they are all it does to its files.
 */
import type { DatabaseOptions, JsonObject } from '../../database/index.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import type { Session } from './session.ts';

export interface Workload {
  readonly options?: DatabaseOptions;
  readonly run: (session: Session) => Promise<void>;
}

const BY_ID = { primaryKey: 'id', keyType: 'integer' } as const;
/** Deflate must not make the tables too small to be worth merging. */
const TEXT_LENGTH = 60;

/** The same rows in every run: what differs between two runs is where they end. */
class Script {
  readonly #session: Session;
  readonly #random = new SeededRandom(7);

  constructor(session: Session) {
    this.#session = session;
  }

  /** Commits that are decided one after the other and reach the disk together. */
  async group(commits: number, table = 'accounts', keys = 12): Promise<void> {
    const promises = Array.from({ length: commits }, (_, i) =>
      this.#session.commit(
        (changes) => {
          const first = this.#random.between(1, keys);
          for (let id = first; id <= first + (i % 3); id++) {
            changes.put(table, id, this.#random.chance(0.2) ? undefined : this.#row(id));
          }
        },
        { actor: `clerk ${i % 2}`, correlationId: `order ${i % 4}` },
      ),
    );
    await allOf(promises);
  }

  /** Keys beside rows, in the same commits. */
  async keys(commits: number): Promise<void> {
    const promises = Array.from({ length: commits }, (_, i) =>
      this.#session.commit((changes) => {
        for (let key = i % 4; key <= (i % 4) + 2; key++) {
          const bytes = Buffer.from(this.#text(), 'base64');
          changes.putKey(`k${key}`, this.#random.chance(0.25) ? undefined : bytes);
        }
        if (i % 2 === 0) changes.put('accounts', i + 1, this.#row(i + 1));
      }),
    );
    await allOf(promises);
  }

  async inserts(table: string, rows: number): Promise<void> {
    await this.#session.commit((changes) => {
      for (let i = 0; i < rows; i++) changes.put(table, undefined, { text: this.#text() });
    });
  }

  #row(id: number): JsonObject {
    return { id, amount: this.#random.below(1000), text: this.#text() };
  }

  #text(): string {
    return Array.from({ length: TEXT_LENGTH }, () => this.#random.below(36).toString(36)).join('');
  }
}

/** Waits for all, and fails as the first one failed: what comes later must not be left unheard. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  'commits in groups on rolling segments': {
    options: { memtableBytes: 1024 * 1024 },
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      for (let i = 0; i < 8; i++) await script.group(5);
      for (let i = 0; i < 4; i++) await script.group(1);
    },
  },
  'flushes under commits': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      await script.group(3);
      await session.database.flush();
      for (let i = 0; i < 6; i++) await script.group(6);
      await session.database.flush();
      await script.group(2);
    },
  },
  compaction: {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      for (let i = 0; i < 5; i++) {
        await script.group(4);
        await session.database.flush();
      }
      await session.database.compact();
      await script.group(3);
      await session.database.compact();
    },
  },
  'keys beside rows': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      await script.keys(1);
      await script.keys(5);
      await session.database.flush();
      await script.keys(6);
      await session.database.flush();
      await session.database.compact();
      await script.keys(3);
    },
  },
  'snapshots taken and let go': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      await script.group(3);
      await session.takeSnapshot();
      await script.group(4);
      await session.takeSnapshot();
      await session.database.compact();
      for (const name of [...session.snapshots]) await session.releaseSnapshot(name);
      await script.group(2);
      await session.takeSnapshot();
    },
  },
  'snapshots by themselves, with retention': {
    options: { snapshotEvery: 6, snapshotRetention: { keepLast: 1, keepPerDoubling: 1 } },
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      for (let i = 0; i < 7; i++) await script.group(4);
      await session.database.flush();
    },
  },
  'tables made, altered and dropped': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      await session.createTable('notes');
      await script.group(2);
      await script.inserts('notes', 3);
      await session.alterTable('notes', { type: 'object', properties: { text: {} } });
      await script.inserts('notes', 2);
      await session.database.flush();
      await session.dropTable('notes');
      await session.createTable('notes');
      await script.inserts('notes', 1);
      await session.alterTable('accounts', {
        type: 'object',
        properties: { id: { type: 'integer' } },
        additionalProperties: true,
      });
      await script.group(2);
    },
  },
  'an index is built, used and dropped': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      await script.group(5);
      await session.createIndex('by_amount', 'accounts', { on: 'amount' });
      await script.group(4);
      await session.createIndex('by_text', 'accounts', { on: '$.text', unique: true });
      await session.database.flush();
      await script.group(3);
      await session.rebuildIndex('by_amount', 'accounts');
      await session.dropIndex('by_text', 'accounts');
      await script.group(2);
      await session.database.compact();
      await session.dropIndex('by_amount', 'accounts');
      await session.createIndex('by_amount', 'accounts', { on: 'amount', type: 'equality' });
    },
  },
  'backups and restores under commits': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      await script.group(4);
      await session.database.flush();
      await allOf([script.group(3), session.backup('/srv/full.tar.gz'), script.group(2)]);
      await session.database.compact();
      await script.group(3);
      await allOf([session.backup('/srv/second.tar.gz'), session.database.compact()]);
      await session.restore('/srv/whole');
      await script.group(2);
      await session.restore('/srv/cut', 11);
    },
  },
  'closing and opening': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      for (let i = 0; i < 4; i++) {
        await script.group(4);
        if (i % 2 === 0) await session.database.flush();
        await session.close();
        await session.open();
      }
      await script.group(1);
    },
  },
  'killed and opened': {
    run: async (session) => {
      const script = new Script(session);
      await session.createTable('accounts', BY_ID);
      for (let i = 0; i < 4; i++) {
        await script.group(4);
        const { befalls, changes, reads } = session.files;
        await session.crash('killed', i);
        Object.assign(session.files, { befalls, changes, reads });
        await session.open();
      }
      await script.group(2);
    },
  },
};

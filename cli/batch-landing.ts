/** Where the batches of an import go: into the store, or nowhere, for a dry run. */
import { createHash, randomUUID } from 'node:crypto';
import { isTidemarkError, TidemarkError } from '../base/index.ts';
import type { CommitMetadata, Database, RowKey } from '../database/index.ts';
import type { SourceRow } from './readers/source-row.ts';

/** What is done with a row that the store refuses: ends the import by throwing, or notes it. */
export type Refuse = (row: SourceRow, error: TidemarkError) => void;

export interface Landed {
  /** Rows that are in the store, or would be. */
  readonly rows: number;
  /** True if an earlier run of this import has committed this batch. */
  readonly isRepeated: boolean;
}

export interface BatchLanding {
  /**
   * One commit. `settled` runs once all rows were decided, before the commit is made; not for a
   * batch that is repeated.
   */
  land(rows: readonly SourceRow[], refuse: Refuse, settled: () => void): Promise<Landed>;
}

export const ImportMode = { insert: 'insert', upsert: 'upsert' } as const;
export type ImportMode = (typeof ImportMode)[keyof typeof ImportMode];

export interface LandingOptions {
  readonly table: string;
  readonly mode: ImportMode;
  readonly metadata: CommitMetadata;
  /** Brings in once more what was brought in before. */
  readonly again: boolean;
}

/**
 * Commits batches. An insert carries an idempotency key made of its lines, so that a batch is in the
 * store once however often the import is run. An upsert needs none: done twice it changes nothing.
 */
export class StoreLanding implements BatchLanding {
  readonly #database: Database;
  readonly #options: LandingOptions;
  readonly #salt: string;

  constructor(database: Database, options: LandingOptions) {
    this.#database = database;
    this.#options = options;
    this.#salt = options.again ? randomUUID() : '';
  }

  async land(rows: readonly SourceRow[], refuse: Refuse, settled: () => void): Promise<Landed> {
    const { table: name, mode, metadata } = this.#options;
    const key = mode === ImportMode.insert ? { idempotencyKey: this.#keyOf(rows) } : {};
    let landed = 0;
    const { replayed } = await this.#database.transact(
      (transaction) => {
        const table = transaction.table(name);
        for (const each of rows) {
          try {
            if (mode === ImportMode.upsert) table.upsert(each.row);
            else table.insert(each.row);
            landed++;
          } catch (error) {
            if (!isTidemarkError(error)) throw error;
            refuse(each, error);
          }
        }
        settled();
      },
      { ...metadata, ...key },
    );
    return { rows: landed, isRepeated: replayed };
  }

  #keyOf(rows: readonly SourceRow[]): string {
    const hash = createHash('sha256').update(this.#salt);
    for (const { line, row } of rows) hash.update(`${line} ${JSON.stringify(row)}\n`);
    return `import into ${this.#options.table} ${hash.digest('base64url')}`;
  }
}

/** Decides batches as the store would, and lets go of them. */
export class TrialLanding implements BatchLanding {
  readonly #database: Database;
  readonly #options: LandingOptions;
  /** Keys of the batches before, which the store does not have. */
  readonly #keys = new Set<RowKey>();
  readonly #hasKeys: boolean;

  constructor(database: Database, options: LandingOptions) {
    this.#database = database;
    this.#options = options;
    const { primaryKey } = database.table(options.table).definition;
    this.#hasKeys = primaryKey !== undefined && options.mode === ImportMode.insert;
  }

  async land(rows: readonly SourceRow[], refuse: Refuse, settled: () => void): Promise<Landed> {
    const transaction = this.#database.begin();
    let landed = 0;
    try {
      const table = transaction.table(this.#options.table);
      for (const each of rows) {
        try {
          const { key } =
            this.#options.mode === ImportMode.upsert
              ? table.upsert(each.row)
              : table.insert(each.row);
          this.#note(key);
          landed++;
        } catch (error) {
          if (!isTidemarkError(error)) throw error;
          refuse(each, error);
        }
      }
    } finally {
      transaction.rollback();
    }
    settled();
    return { rows: landed, isRepeated: false };
  }

  /** @throws ROW_EXISTS */
  #note(key: RowKey): void {
    if (!this.#hasKeys) return;
    if (this.#keys.has(key)) {
      throw new TidemarkError('ROW_EXISTS', `an earlier line has a row ${JSON.stringify(key)}`);
    }
    this.#keys.add(key);
  }
}

import { TidemarkError } from '../base/index.ts';
import type { Catalog } from './catalog.ts';
import { checkCollection } from './collection-definition.ts';
import type { Draft } from './draft.ts';
import { TransactionCollection } from './transaction-collection.ts';
import { TransactionKeys } from './transaction-keys.ts';
import { TransactionTable } from './transaction-table.ts';

/** What the function of `transact` is handed. It is over when the function returns. */
export class Transaction {
  readonly #catalog: Catalog;
  readonly #draft: Draft;
  readonly #tables = new Map<string, TransactionTable>();
  #keys: TransactionKeys | undefined;
  #active = true;

  constructor(catalog: Catalog, draft: Draft) {
    this.#catalog = catalog;
    this.#draft = draft;
  }

  /** @throws TABLE_UNKNOWN, TRANSACTION_FINISHED */
  table(name: string): TransactionTable {
    this.#checkActive();
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new TransactionTable(this.#catalog.table(name), this.#draft, () =>
        this.#checkActive(),
      );
      this.#tables.set(name, table);
    }
    return table;
  }

  /** @throws TABLE_UNKNOWN, TRANSACTION_FINISHED */
  collection(name: string): TransactionCollection {
    this.#checkActive();
    checkCollection(this.#catalog.table(name).definition);
    return new TransactionCollection(this.table(name));
  }

  /** The key space. @throws TRANSACTION_FINISHED */
  get keys(): TransactionKeys {
    this.#checkActive();
    this.#keys ??= new TransactionKeys(this.#catalog, this.#draft, () => this.#checkActive());
    return this.#keys;
  }

  end(): void {
    this.#active = false;
  }

  #checkActive(): void {
    if (this.#active) return;
    throw new TidemarkError('TRANSACTION_FINISHED', 'the transaction is over; begin another one');
  }
}

/** Runs `work` in a transaction on `draft`. @throws TRANSACTION_ASYNC and whatever `work` throws */
export function runTransaction<T>(catalog: Catalog, draft: Draft, work: (tx: Transaction) => T): T {
  if (typeof work !== 'function') {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `a transaction is a function, not a ${typeof work}`,
    );
  }
  const transaction = new Transaction(catalog, draft);
  try {
    const result = work(transaction);
    if (isThenable(result)) {
      throw new TidemarkError(
        'TRANSACTION_ASYNC',
        'the function of a transaction must not be async: all of it runs at one moment. For steps over time there is begin()',
      );
    }
    return result;
  } finally {
    transaction.end();
  }
}

function isThenable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('then' in value)) return false;
  if (typeof value.then !== 'function') return false;
  // It failed already for what it is; its own failure must not surface as unhandled as well.
  Promise.resolve(value).catch(() => {});
  return true;
}

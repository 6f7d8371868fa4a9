/**
 * Transactions that go on over several requests. Each holds a state of its instance, so their number
 * is bounded, and one whose time is up is rolled back: its caller may be gone for good.
 */
import { randomUUID } from 'node:crypto';
import { formatTime, systemClock, TidemarkError } from '../base/index.ts';
import type { Database, InteractiveTransaction } from '../database/index.ts';

export interface OpenTransaction {
  readonly id: string;
  readonly instance: string;
  readonly transaction: InteractiveTransaction;
  /** When it is rolled back if it was not committed: UTC, ISO-8601. */
  readonly expires: string;
}

export interface TransactionLimits {
  readonly transactionsMax: number;
  readonly transactionTimeoutMs: number;
}

interface Held extends OpenTransaction {
  readonly timer: NodeJS.Timeout;
}

export class OpenTransactions {
  readonly #held = new Map<string, Held>();
  readonly #limits: TransactionLimits;

  constructor(limits: TransactionLimits) {
    this.#limits = limits;
  }

  /** Those of an instance. */
  count(instance: string): number {
    return [...this.#held.values()].filter((held) => held.instance === instance).length;
  }

  /** @throws OVERLOADED */
  begin(instance: string, database: Database): OpenTransaction {
    const { transactionsMax, transactionTimeoutMs } = this.#limits;
    if (this.#held.size >= transactionsMax) {
      throw new TidemarkError(
        'OVERLOADED',
        `${this.#held.size} transactions are open; allowed: ${transactionsMax} at a time`,
        { limit: transactionsMax },
      );
    }
    const id = randomUUID();
    const transaction = database.begin();
    const expires = formatTime(systemClock.nowMicros() + transactionTimeoutMs * 1000);
    const timer = setTimeout(() => this.#rollBack(id), transactionTimeoutMs);
    timer.unref();
    const held = { id, instance, transaction, expires, timer };
    this.#held.set(id, held);
    return held;
  }

  /** @throws TRANSACTION_UNKNOWN, also for one of another instance */
  get(instance: string, id: string): InteractiveTransaction {
    return this.#find(instance, id).transaction;
  }

  /** Hands it out for its commit or rollback: no other request finds it any more. @throws TRANSACTION_UNKNOWN */
  take(instance: string, id: string): InteractiveTransaction {
    const { transaction, timer } = this.#find(instance, id);
    clearTimeout(timer);
    this.#held.delete(id);
    return transaction;
  }

  /** Those of one instance, or all. */
  rollBackAll(instance?: string): void {
    for (const held of [...this.#held.values()]) {
      if (instance === undefined || held.instance === instance) this.#rollBack(held.id);
    }
  }

  #find(instance: string, id: string): Held {
    const held = this.#held.get(id);
    if (held !== undefined && held.instance === instance) return held;
    const shown = JSON.stringify(id.slice(0, 64));
    throw new TidemarkError(
      'TRANSACTION_UNKNOWN',
      `there is no open transaction ${shown}; it was committed or rolled back, or its ${this.#limits.transactionTimeoutMs} ms were up`,
    );
  }

  #rollBack(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#held.delete(id);
    held.transaction.rollback();
  }
}

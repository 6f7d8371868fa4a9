/** The key space as a transaction sees it: everything synchronous, none durable yet. */
import type { ChangeOptions, Decision, KeyValue } from '../storage/index.ts';
import type { Catalog } from './catalog.ts';
import type { Draft } from './draft.ts';
import { declareKeys } from './key-declaration.ts';
import { type Key, type KeyRange, keyText, rowRangeOf } from './key-reader.ts';
import { checkChangeOptions } from './option-check.ts';

/** An entry in a transaction; `position` is undefined for one that this transaction wrote. */
export interface TransactionEntry {
  readonly key: string;
  readonly value: KeyValue;
  readonly version: number;
  readonly position: number | undefined;
}

export class TransactionKeys {
  readonly #catalog: Catalog;
  readonly #draft: Draft;
  readonly #checkActive: () => void;

  /** @param checkActive throws once the transaction is over */
  constructor(catalog: Catalog, draft: Draft, checkActive: () => void) {
    this.#catalog = catalog;
    this.#draft = draft;
    this.#checkActive = checkActive;
  }

  /** Undefined if there is none; a stored null is null. @throws KEY_TYPE, KEY_TOO_LARGE */
  get(key: Key): KeyValue | undefined {
    return this.read(key)?.value;
  }

  /** As `get`, with version and position. @throws KEY_TYPE, KEY_TOO_LARGE */
  read(key: Key): TransactionEntry | undefined {
    this.#checkActive();
    const table = this.#catalog.keys;
    const state = this.#draft.rows.readValue(table, keyText(table, key));
    return state && { ...state, key: String(state.key) };
  }

  /** @throws KEY_TYPE, KEY_TOO_LARGE */
  has(key: Key): boolean {
    this.#checkActive();
    const table = this.#catalog.keys;
    return this.#draft.rows.versionOf(table, keyText(table, key)) > 0;
  }

  /** Entries in key order. @throws KEY_TYPE, OPTION_INVALID, ARGUMENT_INVALID */
  *scan(range: KeyRange = {}): Generator<TransactionEntry> {
    this.#checkActive();
    const table = this.#catalog.keys;
    for (const state of this.#draft.rows.scanValues(table, rowRangeOf(table, range))) {
      yield { ...state, key: String(state.key) };
    }
  }

  /** Puts a value under a key, whether there was one or not. @throws VALUE_INVALID, VALUE_TOO_LARGE, VERSION_CONFLICT, KEY_TYPE … */
  set(key: Key, value: KeyValue, options: ChangeOptions = {}): Decision {
    this.#checkActive();
    checkChangeOptions(options);
    const table = this.#catalog.keys;
    const decision = this.#draft.rows.putValue(table, keyText(table, key), value, options);
    if (decision.changed) declareKeys(this.#catalog, this.#draft);
    return decision;
  }

  /** Takes a key away; if there is none, nothing changes. @throws VERSION_CONFLICT, KEY_TYPE, KEY_TOO_LARGE */
  delete(key: Key, options: ChangeOptions = {}): Decision {
    this.#checkActive();
    checkChangeOptions(options);
    const table = this.#catalog.keys;
    return this.#draft.rows.removeRow(table, keyText(table, key), options);
  }
}

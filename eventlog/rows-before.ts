import type { JsonObject } from '../base/index.ts';
import { bodyOf, Operation, parseRow, type RowBefore, type RowForm } from '../storage/index.ts';
import type { EventRecord } from './event-format.ts';
import { rowHistoryPrefix, unreadable } from './history-format.ts';
import type { LogReader } from './log-reader.ts';

/**
 * The rows that events replaced, where a log is read again: on recovery, in a rebuild, in a check.
 * A decision has read the row before it; here it is read from the history, and only if it is asked
 * for. Events that are not in the history yet are remembered until `forget`.
 */
export class RowsBefore implements RowBefore {
  readonly #reader: LogReader;
  #remembered: EventRecord[] = [];
  /** The newest event of each row among the first `#sorted` that are remembered. */
  readonly #newest = new Map<string, EventRecord>();
  #sorted = 0;
  #event: EventRecord | undefined;
  #replaced: EventRecord | undefined;

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /**
   * The row before an event; undefined if there was none. Events come in the order of the log, and
   * what is given is good until the next one.
   */
  of(event: EventRecord): RowBefore | undefined {
    this.#event = event;
    this.#replaced = undefined;
    this.#remembered.push(event);
    return event.row.operation === Operation.insert ? undefined : this;
  }

  /** From here on the history has all events that came so far. */
  forget(): void {
    this.#remembered = [];
    this.#newest.clear();
    this.#sorted = 0;
  }

  get form(): RowForm {
    return this.#before().row.form;
  }

  body(): string {
    return bodyOf(this.#before().row);
  }

  row(): JsonObject {
    return parseRow(this.#before().row);
  }

  #before(): EventRecord {
    this.#replaced ??= this.#find(this.#event!);
    return this.#replaced;
  }

  #find({ table, encodedKey, row }: EventRecord): EventRecord {
    // The last one remembered is the event itself.
    while (this.#sorted < this.#remembered.length - 1) {
      const event = this.#remembered[this.#sorted++]!;
      this.#newest.set(placeOf(event.table, event.encodedKey), event);
    }
    const remembered = this.#newest.get(placeOf(table, encodedKey));
    if (remembered !== undefined) return remembered;
    const before = this.#reader.rowVersionAt(table, encodedKey, row.position - 1);
    if (before === undefined) throw unreadable('history', rowHistoryPrefix(table, encodedKey));
    return this.#reader.event(before.position);
  }
}

function placeOf(table: number, encodedKey: string): string {
  return `${table}:${encodedKey}`;
}

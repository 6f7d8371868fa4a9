/** What readers of other stores' histories are handed, and have in common. */
import { isDeepStrictEqual } from 'node:util';
import { isTidemarkError, type JsonObject, parseTime, TidemarkError } from '../../base/index.ts';
import type { HistoryChange, RowKey } from '../../database/index.ts';
import type { ColumnTypes } from './column-types.ts';
import type { SourceCommit } from './history-commits.ts';

/** A line that cannot have happened, or cannot be read. */
export interface ImpossibleLine {
  readonly line: number;
  readonly reason: string;
  readonly source: unknown;
}

export interface HistoryReading {
  readonly chunks: AsyncIterable<Buffer>;
  /** The column of the key; undefined where the format itself says the key. */
  readonly keyColumn: string | undefined;
  readonly hasIntegerKeys: boolean;
  readonly types: ColumnTypes;
  /** Of times that have none: `Z`, `+02:00`. */
  readonly zone: string | undefined;
  /** Of PaperTrail: changes of other types are left out. */
  readonly itemType: string | undefined;
  /** Takes lines that are left out; throws if none may be. */
  readonly refuse: (lines: readonly ImpossibleLine[]) => void;
}

/** Why a line cannot have happened: thrown by who finds it, caught by who walks the lines. */
export function impossible(reason: string): TidemarkError {
  return new TidemarkError('IMPORT_INVALID', reason);
}

/** Epoch microseconds of a time as databases print it, with a space and without a zone. */
export function timeIn(text: unknown, zone: string | undefined, what: string): number {
  if (typeof text !== 'string') throw impossible(`${what} is no time`);
  const plain =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)( ?UTC|Z|[+-]\d\d:?\d\d)?$/.exec(
      text.trim(),
    );
  if (plain === null) throw impossible(`${what} is no time: ${text.slice(0, 40)}`);
  const [, day, clock, own] = plain;
  const stated = own?.trim() === 'UTC' ? 'Z' : own;
  if (stated === undefined && zone === undefined) {
    throw impossible(`${what} has no zone: say it with --zone, such as Z for UTC`);
  }
  try {
    return parseTime(`${day}T${clock}${stated ?? zone}`);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw impossible(`${what}: ${error.message}`);
  }
}

/** The key that a value of a column stands for. */
export function keyIn(value: unknown, hasIntegerKeys: boolean): RowKey {
  if (hasIntegerKeys) {
    const key = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof key === 'number' && Number.isSafeInteger(key)) return key;
  } else if (typeof value === 'string') return value;
  else if (typeof value === 'number') return String(value);
  const wanted = hasIntegerKeys ? 'a whole number' : 'a text';
  throw impossible(`its key is ${JSON.stringify(value) ?? 'missing'}, and not ${wanted}`);
}

/** The row of a history, with its key in the column of the key as the table has it. */
export function withKey(row: JsonObject, key: RowKey, column: string | undefined): JsonObject {
  return column === undefined ? row : { ...row, [column]: key };
}

/**
 * The rows as the lines so far left them. Finds what cannot have happened: a change of a row that is
 * not there, the making of one that is, and a row that is not as the line before it left it.
 */
export class RowStates {
  readonly #rows = new Map<RowKey, JsonObject>();

  keys(): RowKey[] {
    return [...this.#rows.keys()];
  }

  get(key: RowKey): JsonObject | undefined {
    return this.#rows.get(key);
  }

  insert(key: RowKey, row: JsonObject): HistoryChange {
    if (this.#rows.has(key)) {
      throw impossible(`row ${JSON.stringify(key)} is made, and is there already`);
    }
    this.#rows.set(key, row);
    return { op: 'insert', key, row };
  }

  /** @param before what the line says the row was; columns that it leaves out are not looked at */
  update(key: RowKey, row: JsonObject, before: JsonObject | undefined): HistoryChange {
    this.#check(key, before, 'changed');
    this.#rows.set(key, row);
    return { op: 'update', key, row };
  }

  delete(key: RowKey, before: JsonObject | undefined): HistoryChange {
    this.#check(key, before, 'deleted');
    this.#rows.delete(key);
    return { op: 'delete', key };
  }

  #check(key: RowKey, before: JsonObject | undefined, how: string): void {
    const present = this.#rows.get(key);
    if (present === undefined) {
      throw impossible(`row ${JSON.stringify(key)} is ${how}, and is not there: a gap`);
    }
    const columns = Object.keys(before ?? {});
    const other = columns.find((name) => !isDeepStrictEqual(before?.[name], present[name]));
    if (other === undefined) return;
    throw impossible(
      `column ${other} of row ${JSON.stringify(key)} was not ${JSON.stringify(before?.[other])} before: a gap`,
    );
  }
}

interface TimedChange {
  readonly line: number;
  /** Epoch microseconds. */
  readonly time: number;
  readonly change: HistoryChange;
  readonly actor: string | undefined;
}

/**
 * Makes commits of changes: those of one time are one commit, for a store gives each commit a time
 * of its own. If several people made them, who made which stands in the metadata.
 */
export class ChangeGroups {
  #group: TimedChange[] = [];

  /** @throws IMPORT_INVALID if the time lies before that of the change before */
  checkTime(time: number): void {
    const last = this.#group.at(-1)?.time ?? 0;
    if (time < last) throw impossible('its time lies before that of the line before');
  }

  /** Gives the commit that ends before this change. */
  add(change: TimedChange): SourceCommit | undefined {
    const isNew = this.#group.length > 0 && this.#group.at(-1)!.time !== change.time;
    const ended = isNew ? this.end() : undefined;
    this.#group.push(change);
    return ended;
  }

  end(): SourceCommit | undefined {
    const [first] = this.#group;
    if (first === undefined) return undefined;
    const changes = this.#group.map(({ change }) => change);
    const actors = [...new Set(this.#group.map(({ actor }) => actor))];
    const [actor] = actors;
    const whoDid = this.#group.map((each) => ({ key: each.change.key, actor: each.actor ?? null }));
    this.#group = [];
    return {
      line: first.line,
      commit: {
        time: first.time,
        changes,
        ...(actors.length === 1 && actor !== undefined ? { actor } : {}),
        ...(actors.length > 1 ? { fields: { actors: whoDid } } : {}),
      },
    };
  }
}

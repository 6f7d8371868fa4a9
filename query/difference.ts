/**
 * What happened between two moments, from the events between them: per row the net effect, or every
 * change. It costs what lies between the moments, never the size of the tables.
 */
import type { JsonObject } from '../base/index.ts';
import type { EventRecord, LogReader } from '../eventlog/index.ts';
import { bodyOf, Operation, parseRow } from '../storage/index.ts';

/** A row before and after; both as canonical JSON objects, undefined where there was no row. */
export interface RowDifference {
  readonly table: number;
  readonly encodedKey: string;
  readonly operation: Operation;
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
  /** Of the last change between the moments. */
  readonly position: number;
  readonly version: number;
  /** Changes between the moments. */
  readonly changes: number;
}

export interface DifferenceRange {
  /** Exclusive: the state the comparison starts from. */
  readonly from: number;
  /** Inclusive: the state it ends at; below `from` for the way back. */
  readonly to: number;
  readonly tables: readonly number[] | undefined;
}

/** Net effect per row, in order of table and key; rows that end as they began are left out. */
export function* netDifferences(
  reader: LogReader,
  { from, to, tables }: DifferenceRange,
): Generator<RowDifference> {
  const [low, high] = from <= to ? [from, to] : [to, from];
  const last = new Map<string, { event: EventRecord; changes: number }>();
  for (const { event } of reader.events({ from: low + 1, to: high, tables })) {
    const row = String.fromCharCode(event.table >>> 16, event.table & 0xffff) + event.encodedKey;
    const known = last.get(row);
    last.set(row, { event, changes: (known?.changes ?? 0) + 1 });
  }
  for (const row of [...last.keys()].sort()) {
    const { event, changes } = last.get(row)!;
    const first = rowBefore(reader, event, low);
    const second = event.row.operation === Operation.delete ? undefined : event;
    if (first === undefined && second === undefined) continue;
    if (first !== undefined && second !== undefined && bodyOf(first.row) === bodyOf(second.row))
      continue;
    const [before, after] = from <= to ? [first, second] : [second, first];
    yield difference(event, before, after, changes);
  }
}

/** Every change, in order of position (against it on the way back). */
export function* allDifferences(
  reader: LogReader,
  { from, to, tables }: DifferenceRange,
): Generator<RowDifference> {
  const back = from > to;
  const [low, high] = back ? [to, from] : [from, to];
  for (const { event } of reader.events({ from: low + 1, to: high, tables, reverse: back })) {
    const first = rowBefore(reader, event, event.row.position - 1);
    const second = event.row.operation === Operation.delete ? undefined : event;
    const [before, after] = back ? [second, first] : [first, second];
    yield difference(event, before, after, 1);
  }
}

function difference(
  event: EventRecord,
  before: EventRecord | undefined,
  after: EventRecord | undefined,
  changes: number,
): RowDifference {
  const changed = before === undefined ? Operation.insert : Operation.update;
  return {
    table: event.table,
    encodedKey: event.encodedKey,
    operation: after === undefined ? Operation.delete : changed,
    before: before && parseRow(before.row),
    after: after && parseRow(after.row),
    position: event.row.position,
    version: event.row.version,
    changes,
  };
}

/** The event that made the row what it was at `position`; undefined if there was no row. */
function rowBefore(
  reader: LogReader,
  { table, encodedKey }: EventRecord,
  position: number,
): EventRecord | undefined {
  const version = reader.rowVersionAt(table, encodedKey, position);
  if (version === undefined || version.operation === Operation.delete) return undefined;
  return reader.event(version.position);
}

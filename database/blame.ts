/** Where each column of a row has its value from: who set it last, when, and why. */
import { formatTime, type JsonObject, type JsonValue } from '../base/index.ts';
import { decodeMetadata, type LoggedEvent, type LogReader } from '../eventlog/index.ts';
import { Operation, parseRow } from '../storage/index.ts';

/** One column of a row, and the change that gave it its value. */
export interface ColumnBlame {
  readonly column: string;
  readonly value: JsonValue;
  /** Of the row when the column took this value. */
  readonly version: number;
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
}

/**
 * The columns of a row as it was at a position, in canonical order; undefined if there was no row.
 *
 * Walks the versions newest first, and no further than the one that explains the last column: an
 * insert explains all that are left.
 */
export function blameOf(
  reader: LogReader,
  table: number,
  encodedKey: string,
  to: number,
): ColumnBlame[] | undefined {
  const filter = { from: 1, to, tables: [table], encodedKey, reverse: true };
  /** Columns not explained yet, with their values as canonical JSON. */
  const open = new Map<string, string>();
  const found = new Map<string, ColumnBlame>();
  let names: readonly string[] | undefined;
  let newer: LoggedEvent | undefined;
  for (const logged of reader.events(filter)) {
    const { operation } = logged.event.row;
    const row = operation === Operation.delete ? {} : parseRow(logged.event.row);
    if (newer === undefined) {
      if (operation === Operation.delete) return undefined;
      names = Object.keys(row);
      for (const name of names) open.set(name, jsonOf(row, name)!);
    } else {
      for (const [name, value] of open) {
        if (jsonOf(row, name) !== value) explain(newer, name, value, open, found);
      }
    }
    newer = logged;
    if (operation === Operation.insert || open.size === 0) break;
  }
  if (newer === undefined || names === undefined) return undefined;
  for (const [name, value] of open) explain(newer, name, value, open, found);
  return names.map((name) => found.get(name)!);
}

/** Undefined if the row has no such column. */
function jsonOf(row: JsonObject, column: string): string | undefined {
  return Object.hasOwn(row, column) ? JSON.stringify(row[column]) : undefined;
}

function explain(
  { commit, event }: LoggedEvent,
  column: string,
  json: string,
  open: Map<string, string>,
  found: Map<string, ColumnBlame>,
): void {
  const { actor, reason, correlationId } = decodeMetadata(commit.metadata);
  found.set(column, {
    column,
    value: JSON.parse(json) as JsonValue,
    version: event.row.version,
    position: event.row.position,
    time: formatTime(commit.time),
    ...(actor === undefined ? {} : { actor }),
    ...(reason === undefined ? {} : { reason }),
    ...(correlationId === undefined ? {} : { correlationId }),
  });
  open.delete(column);
}

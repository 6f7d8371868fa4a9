import type { Mark } from '../keyspace-store.ts';
import type { ManifestEdit, PinRecord, TableRecord } from './manifest-format.ts';

/** The sum of a manifest's edits. */
export interface ManifestState {
  readonly nextTable: number;
  readonly mark: Mark | undefined;
  /** JSON of the owner; undefined if it left none. */
  readonly note: unknown;
  /** Those in the tree and those that only pins hold, by number. */
  readonly tables: ReadonlyMap<number, TableRecord>;
  readonly pins: ReadonlyMap<string, PinRecord>;
}

export const EMPTY_STATE: ManifestState = {
  nextTable: 1,
  mark: undefined,
  note: undefined,
  tables: new Map(),
  pins: new Map(),
};

/** The state after an edit, or the reason why the edit does not fit the state. */
export function applyEdit(state: ManifestState, edit: ManifestEdit): ManifestState | string {
  const tables = new Map(state.tables);
  const pins = new Map(state.pins);
  for (const table of edit.add ?? []) {
    if (tables.has(table.number)) return `table ${table.number} is added twice`;
    tables.set(table.number, table);
  }
  for (const { number, level } of edit.move ?? []) {
    const table = tables.get(number);
    if (table?.level === undefined) return `table ${number} is moved and not there`;
    tables.set(number, { ...table, level });
  }
  for (const number of edit.remove ?? []) {
    const table = tables.get(number);
    if (table?.level === undefined) return `table ${number} is removed and not there`;
    tables.set(number, { ...table, level: undefined });
  }
  for (const pin of edit.pin ?? []) {
    if (pins.has(pin.name)) return `pin ${pin.name} is added twice`;
    pins.set(pin.name, pin);
    for (const { number } of pin.tables) {
      if (!tables.has(number)) return `pin ${pin.name} names table ${number}, which is not there`;
    }
  }
  for (const name of edit.unpin ?? []) {
    if (!pins.delete(name)) return `pin ${name} is dropped and not there`;
  }
  dropUnheld(tables, pins);
  return {
    nextTable: Math.max(state.nextTable, edit.next ?? 0),
    mark: edit.mark ?? state.mark,
    note: edit.note ?? state.note,
    tables,
    pins,
  };
}

/** What the owner noted of this directory is not true of another. */
export function withoutNote(state: ManifestState): ManifestState {
  return { ...state, note: undefined };
}

/** The edit that makes this state from nothing. */
export function wholeState(state: ManifestState): ManifestEdit {
  return {
    next: state.nextTable,
    add: [...state.tables.values()],
    ...(state.mark === undefined ? {} : { mark: state.mark }),
    ...(state.note === undefined ? {} : { note: state.note }),
    pin: [...state.pins.values()],
  };
}

function dropUnheld(tables: Map<number, TableRecord>, pins: ReadonlyMap<string, PinRecord>): void {
  const unheld = new Set<number>();
  for (const table of tables.values()) if (table.level === undefined) unheld.add(table.number);
  if (unheld.size === 0) return;
  for (const pin of pins.values()) for (const { number } of pin.tables) unheld.delete(number);
  for (const number of unheld) tables.delete(number);
}

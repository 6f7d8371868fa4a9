import { Operation, type RowChange } from '../storage/index.ts';
import type { TableSummary } from './commit-format.ts';

/** Where each table stands, pending commits included. Loaded table by table, when first asked for. */
export class TableTotals {
  readonly #totals = new Map<number, TableSummary>();
  readonly #load: (table: number) => TableSummary | undefined;

  /** @param load the newest summary in the log */
  constructor(load: (table: number) => TableSummary | undefined) {
    this.#load = load;
  }

  of(table: number): TableSummary {
    const known = this.#totals.get(table);
    if (known !== undefined) return known;
    const nothing = { table, commits: 0, rows: 0, events: 0, greatestKey: 0 };
    const loaded = this.#load(table) ?? nothing;
    this.#totals.set(table, loaded);
    return loaded;
  }

  /** Where the tables will stand after one more commit, by table id. */
  after(
    changes: readonly RowChange[],
    greatestKeys: ReadonlyMap<number, number> | undefined,
  ): TableSummary[] {
    const deltas = new Map<number, { rows: number; events: number }>();
    let table = -1;
    let delta = { rows: 0, events: 0 };
    for (const change of changes) {
      if (change.table.id !== table) {
        table = change.table.id;
        delta = deltas.get(table) ?? { rows: 0, events: 0 };
        deltas.set(table, delta);
      }
      delta.events++;
      if (change.operation === Operation.insert) delta.rows++;
      else if (change.operation === Operation.delete) delta.rows--;
    }
    return [...deltas]
      .sort(([a], [b]) => a - b)
      .map(([id, { rows, events }]) => {
        const before = this.of(id);
        return {
          table: id,
          commits: before.commits + 1,
          rows: before.rows + rows,
          events: before.events + events,
          greatestKey: Math.max(before.greatestKey, greatestKeys?.get(id) ?? 0),
        };
      });
  }

  put(summaries: readonly TableSummary[]): void {
    for (const summary of summaries) this.#totals.set(summary.table, summary);
  }
}

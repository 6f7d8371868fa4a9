import { afterFrame, FrameBuilder, type SealedFrame } from '../../eventlog/frame-builder.ts';
import { type Applied, NOTHING_APPLIED, type TableSummary } from '../../eventlog/index.ts';
import { Operation, type RowChange } from '../../storage/index.ts';

export const START_TIME = 1_700_000_000_000_000;

/** A history that begins under a fixed generation, so that its bytes are always the same. */
export const BEGINNING: Applied = { ...NOTHING_APPLIED, generation: 0x1234_5678_9abc };

/** Writes chained frames without a store: a log as bytes. */
export class FrameChain {
  readonly frames: SealedFrame[] = [];
  applied: Applied;
  #time: number;
  readonly #summaries = new Map<number, TableSummary>();

  constructor(applied: Applied = BEGINNING) {
    this.applied = applied;
    this.#time = Math.max(applied.time, START_TIME);
  }

  /** A frame by which a writer claims the log. */
  claim(): this {
    return this.#seal(FrameBuilder.claim(this.applied));
  }

  /** A frame of these commits; each is a second after the one before it. */
  frame(
    ...commits: { changes: readonly RowChange[]; metadata?: string; columns?: string }[]
  ): this {
    const builder = new FrameBuilder(4096);
    let firstPosition = this.applied.position + 1;
    for (const { changes, metadata = '', columns = '' } of commits) {
      this.#time += 1_000_000;
      const summaries = this.#summarize(changes);
      builder.add({ time: this.#time, firstPosition, metadata, columns, changes, summaries });
      firstPosition += changes.length;
    }
    return this.#seal(builder.seal(this.applied));
  }

  bytes(): Buffer {
    return Buffer.concat(this.frames.map(({ bytes }) => bytes));
  }

  #seal(frame: SealedFrame): this {
    this.frames.push(frame);
    const time = frame.header.claim ? this.applied.time : this.#time;
    this.applied = afterFrame(frame.header, time);
    return this;
  }

  #summarize(changes: readonly RowChange[]): TableSummary[] {
    const tables = [...new Set(changes.map(({ table }) => table.id))].sort((a, b) => a - b);
    return tables.map((table) => {
      const own = changes.filter((change) => change.table.id === table);
      const count = (operation: Operation) =>
        own.filter((change) => change.operation === operation).length;
      const before = this.#summaries.get(table);
      const summary: TableSummary = {
        table,
        commits: (before?.commits ?? 0) + 1,
        // Tests of the format may delete what is not there.
        rows: Math.max(0, (before?.rows ?? 0) + count(Operation.insert) - count(Operation.delete)),
        events: (before?.events ?? 0) + own.length,
        greatestKey: Math.max(
          before?.greatestKey ?? 0,
          ...own.map(({ key }) => (typeof key === 'number' ? key : 0)),
        ),
      };
      this.#summaries.set(table, summary);
      return summary;
    });
  }
}

import { SlicePace, TidemarkError, unreachable } from '../../base/index.ts';
import type { KeyspaceDefinition } from '../keyspace-store.ts';
import { type CompactionPlan, type Levels, PlanKind } from './compaction-picker.ts';
import { PENDING_BYTES_MAX } from './flush.ts';
import type { TableFacts } from './table.ts';
import type { NewTable, TableMaker } from './table-maker.ts';
import { KeyCover } from './table-placement.ts';
import { Tree } from './tree.ts';

export interface CompactionWork {
  readonly files: TableMaker;
  readonly keyspace: KeyspaceDefinition;
  /** File bytes at which a merge goes over to the next table. */
  readonly tableBytesMax: number;
  /** Asked after each slice of some milliseconds. */
  readonly isStopped: () => boolean;
}

/**
 * Writes the tables that a plan asks for; a move asks for none. The old ones are not touched.
 * Nothing is left behind if it fails. @throws IO_FAILED, DISK_FULL, CORRUPTION, CLOSED if stopped
 */
export async function writeCompaction(
  plan: CompactionPlan,
  work: CompactionWork,
): Promise<readonly TableFacts[]> {
  switch (plan.kind) {
    case PlanKind.move:
      return [];
    case PlanKind.merge:
      return new Output(work, plan.level).write(plan.inputs, (output, tree) =>
        merge(tree, new KeyCover(plan.below), output),
      );
    case PlanKind.join:
      return new Output(work, 1).write([[], plan.tables], (output, tree) => join(tree, output));
    default:
      return unreachable(plan);
  }
}

async function merge(tree: Tree, below: KeyCover, output: Output): Promise<void> {
  const pace = new SlicePace();
  const cursor = tree.cursor({}, 0);
  while (cursor.next()) {
    if (pace.step()) await output.rest(pace);
    if (cursor.deleted && !below.mayHold(cursor.key)) continue;
    const writer = output.current ?? (await output.begin());
    writer.add(cursor.key, cursor.source, cursor.start, cursor.end, cursor.deleted);
    if (writer.pendingBytes() > PENDING_BYTES_MAX) await writer.drain();
    if (output.isFull()) await output.finish();
  }
  cursor.close();
}

async function join(tree: Tree, output: Output): Promise<void> {
  const pace = new SlicePace();
  const writer = await output.begin();
  for (const table of tree.levels[1] ?? []) {
    await writer.appendTable(table.reader);
    await output.rest(pace);
  }
}

/** The tables that a compaction makes, one after the other. */
class Output {
  readonly #work: CompactionWork;
  readonly #level: number;
  readonly #finished: TableFacts[] = [];
  #table: NewTable | undefined;
  #age = 0;

  constructor(work: CompactionWork, level: number) {
    this.#work = work;
    this.#level = level;
  }

  get current() {
    return this.#table?.writer;
  }

  async write(
    inputs: Levels,
    run: (output: Output, tree: Tree) => Promise<void>,
  ): Promise<readonly TableFacts[]> {
    const { files } = this.#work;
    const levels = inputs.map((level) => files.compactionTables(level));
    this.#age = Math.max(0, ...inputs.flat().map(({ age }) => age));
    try {
      await run(this, new Tree([], levels));
      await this.finish();
      if (this.#finished.length > 0) await files.syncDirectory();
      return this.#finished;
    } catch (error) {
      await this.#table?.writer.abandon().catch(() => {});
      for (const { number } of this.#finished) await files.remove(number);
      throw error;
    } finally {
      for (const table of levels.flat()) table.reader.close();
    }
  }

  async begin() {
    this.#table = await this.#work.files.create(this.#work.keyspace);
    return this.#table.writer;
  }

  /** On level 0 a run is one table: it has one age, and nothing there is sorted by key. */
  isFull(): boolean {
    if (this.#level === 0 || this.#table === undefined) return false;
    const { writer } = this.#table;
    return writer.bytesWritten() + writer.pendingBytes() >= this.#work.tableBytesMax;
  }

  async finish(): Promise<void> {
    if (this.#table === undefined) return;
    this.#finished.push(await this.#work.files.finish(this.#table, this.#age));
    this.#table = undefined;
  }

  async rest(pace: SlicePace): Promise<void> {
    await pace.rest();
    if (this.#work.isStopped()) {
      throw new TidemarkError('CLOSED', 'the store was closed; the compaction was broken off');
    }
  }
}

/**
 * Bugs to plant, one at a time, and the tests that must not let them through. So the harnesses
 * themselves are tested: `npm run mutants`. What came of it stands in `docs/mutants.md`.
 */
export interface Mutant {
  readonly name: string;
  /** Of `docs/` the promise that it breaks. */
  readonly promise: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly search: string;
  readonly replace: string;
  /** Files, of which one has to fail. */
  readonly tests: readonly string[];
}

const CRASHES = [
  'test/simulation/crash-at-every-step.test.ts',
  'test/simulation/simulation.test.ts',
];
const KILLS = ['test/processes/kill.test.ts'];
const MODEL = ['test/database/model.property.test.ts'];
const INDEXES = ['test/database/indexes.test.ts', 'test/database/indexes.property.test.ts'];
const RANDOM_TREES = [
  'test/storage/lsm/lsm-store.random.test.ts',
  'test/storage/lsm/lsm-store.contract.test.ts',
];

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a frame is acknowledged without a sync',
    promise: 'G1',
    file: 'eventlog/file-commit-log.ts',
    search: 'await file.writeDurably(frame, this.#end!);',
    replace: 'await file.write(frame, this.#end!);',
    tests: CRASHES,
  },
  {
    name: 'a commit is acknowledged before its frame is written',
    promise: 'G1',
    file: 'eventlog/event-store.ts',
    search: 'const durable = this.#durable.reach(lastPosition);',
    replace: 'const durable = Promise.resolve();',
    tests: CRASHES,
  },
  {
    name: 'the name of a new segment is not synced',
    promise: 'G1',
    file: 'eventlog/file-commit-log.ts',
    search: '      await files.syncDirectory(directory);\n',
    replace: '',
    tests: CRASHES,
  },
  {
    name: 'the log is trimmed before what it holds is flushed',
    promise: 'G1',
    file: 'eventlog/event-store.ts',
    search: `    await store.freeze({ sequence: applied.position, applied }, pin?.(applied));
    await log.trim(applied.group);
`,
    replace: `    await log.trim(applied.group);
    await store.freeze({ sequence: applied.position, applied }, pin?.(applied));
`,
    tests: [...KILLS, ...CRASHES],
  },
  {
    name: 'a table is not synced',
    promise: 'G1',
    file: 'storage/lsm/table-writer.ts',
    search: '    await this.#file.sync();\n',
    replace: '',
    tests: CRASHES,
  },
  {
    name: 'an edit of the manifest is not synced',
    promise: 'G1',
    file: 'storage/lsm/manifest.ts',
    search: '    await this.#file.sync();\n',
    replace: '',
    tests: CRASHES,
  },
  {
    name: 'the directory of a replaced file is not synced',
    promise: 'G1',
    file: 'base/replace-file.ts',
    search: '  await files.syncDirectory(dirname(path));\n',
    replace: '',
    tests: CRASHES,
  },
  {
    name: 'the mark of a flush names one frame too many',
    promise: 'G1',
    file: 'eventlog/event-store.ts',
    search: 'await store.freeze({ sequence: applied.position, applied }, pin?.(applied));',
    replace:
      'await store.freeze({ sequence: applied.position, applied: { ...applied, group: applied.group + 1 } }, pin?.(applied));',
    tests: [...KILLS, ...CRASHES],
  },
  {
    name: 'the replay begins one frame too late',
    promise: 'G1',
    file: 'eventlog/recovery.ts',
    search: 'log.tail(recovered.applied.group + 1)',
    replace: 'log.tail(recovered.applied.group + 2)',
    tests: KILLS,
  },
  {
    name: 'a frame is published before it is durable',
    promise: 'G2',
    file: 'eventlog/frame-queue.ts',
    search: `        if (!(await this.#append(frame))) continue;
        this.#frames.shift();
        this.#bytes -= frame.bytes.length;
        this.#owner.durable(frame);
`,
    replace: `        this.#owner.durable(frame);
        if (!(await this.#append(frame))) continue;
        this.#frames.shift();
        this.#bytes -= frame.bytes.length;
`,
    tests: CRASHES,
  },
  {
    name: 'a follower skips a position after each commit',
    promise: 'G4',
    file: 'eventlog/event-store.ts',
    search: 'next = lastPositionOf(commit.head) + 1;',
    replace: 'next = lastPositionOf(commit.head) + 2;',
    tests: KILLS,
  },
  {
    name: 'a clock that stands still gives one time twice',
    promise: 'G5',
    file: 'eventlog/event-store.ts',
    search: 'return Math.max(now, this.#lastTime + 1);',
    replace: 'return Math.max(now, this.#lastTime);',
    tests: MODEL,
  },
  {
    name: 'the checksum of a block is not looked at',
    promise: 'G7',
    file: 'storage/lsm/block-format.ts',
    search: "    throw corruption(file, offset, 'the checksum of the block does not hold');\n",
    replace: '    return;\n',
    tests: ['test/damage/every-byte.test.ts'],
  },
  {
    name: 'a frame need not follow the hash of the one before',
    promise: 'G7',
    file: 'eventlog/apply-rule.ts',
    search: 'frame.previousHash === applied.hash && ',
    replace: '',
    tests: ['test/eventlog/apply-rule.test.ts', 'test/eventlog/recovery.test.ts'],
  },
  {
    name: 'a delete is not written to the history of its row',
    promise: 'history',
    file: 'eventlog/projection.ts',
    search: `  batch.set(
    Keyspace.history,
    rowHistoryPrefix(`,
    replace: `  if (row.operation === Operation.delete) return;
  batch.set(
    Keyspace.history,
    rowHistoryPrefix(`,
    tests: MODEL,
  },
  {
    name: 'the version of a deleted row is forgotten',
    promise: 'G10',
    file: 'eventlog/projection.ts',
    search:
      '    batch.set(keyspace, retiredPrefix(table) + encodedKey, row.source, rowStart, event.end);\n',
    replace: '',
    tests: MODEL,
  },
  {
    name: 'a flush drops tombstones that still hide something',
    promise: 'state',
    file: 'storage/lsm/flush.ts',
    search: 'if (cursor.deleted && !below.mayHold(cursor.key)) continue;',
    replace: 'if (cursor.deleted) continue;',
    tests: RANDOM_TREES,
  },
  {
    name: 'a compaction drops tombstones that still hide something',
    promise: 'state',
    file: 'storage/lsm/compaction.ts',
    search: 'if (cursor.deleted && !below.mayHold(cursor.key)) continue;',
    replace: 'if (cursor.deleted) continue;',
    tests: RANDOM_TREES,
  },
  {
    name: 'of two equal keys the floor is the older one',
    promise: 'state',
    file: 'storage/lsm/tree.ts',
    search: 'return found === undefined || found.key === best?.key ? best : found;',
    replace: 'return found ?? best;',
    tests: RANDOM_TREES,
  },
  {
    name: 'a view sees what was written after it was taken',
    promise: 'state',
    file: 'storage/lsm/memtable-entries.ts',
    search: 'this.ordinals[at]! > ordinal',
    replace: 'this.ordinals[at]! > ordinal + 1',
    tests: RANDOM_TREES,
  },
  {
    name: 'a lock that a living process holds counts as stale',
    promise: 'G9',
    file: 'base/process-lock.ts',
    search: 'if (isAlive(holder)) throw lockedBy(path, holder);',
    replace: 'if (holder.pid === process.pid) throw lockedBy(path, holder);',
    tests: KILLS,
  },
  {
    name: 'commits do not wait for compactions',
    promise: 'G8',
    file: 'eventlog/event-store.ts',
    search: 'return this.#options.store.compactionDebt() >= COMPACTION_DEBT_MAX;',
    replace: 'return false;',
    tests: ['test/eventlog/overload.test.ts'],
  },
  {
    name: 'commits wait for a compaction that cannot be done',
    promise: 'G8',
    file: 'storage/lsm/compactions.ts',
    search: 'this.#failing.has(index)\n',
    replace: 'index < 0\n',
    tests: ['test/eventlog/overload.test.ts'],
  },
  {
    name: 'tables are never let go',
    promise: 'G8',
    file: 'storage/lsm/open-tables.ts',
    search: 'if (this.#held.size <= this.#countMax && this.#bytes <= this.#bytesMax) return;',
    replace: 'if (this.#held.size > 0) return;',
    tests: ['test/storage/lsm/open-tables.test.ts'],
  },
  {
    name: 'closing waits for room on a full disk',
    promise: 'G8',
    file: 'database/database.ts',
    search: '      store.stopWaiting();\n',
    replace: '',
    tests: ['test/database/full-disk.test.ts', 'test/processes/full-disk.test.ts'],
  },
  {
    name: 'only the first update of a commit is posted under its columns',
    promise: 'history',
    file: 'eventlog/changed-columns.ts',
    search: 'if (changed.length === 0) continue;',
    replace: 'if (changed.length === 0 || tables?.has(table.id) === true) continue;',
    tests: [...MODEL, 'test/eventlog/log-reader.test.ts'],
  },
  {
    name: 'an undo passes over later edits',
    promise: 'G3',
    file: 'database/undo.ts',
    search: 'restored.edits === 0 || !isRefused',
    replace: 'restored.edits <= 1 || !isRefused',
    tests: MODEL,
  },
  {
    name: 'a row that loses a term keeps its posting',
    promise: 'indexes',
    file: 'query/table-indexes.ts',
    search: 'if (count === 0) batch.delete(Keyspace.indexes, key);',
    replace: 'if (count === 0) continue;',
    tests: INDEXES,
  },
  {
    name: 'postings get no past',
    promise: 'indexes',
    file: 'query/table-indexes.ts',
    search: '    this.writePast(position, batch);\n',
    replace: '',
    tests: INDEXES,
  },
  {
    name: 'a value that a transaction gave away before it commits is not asked for again',
    promise: 'indexes',
    file: 'storage/engine.ts',
    search: '      change.postings?.claim(this.#indexView(), this.#claims);\n',
    replace: '',
    tests: INDEXES,
  },
  {
    name: 'a build takes the last row of a slice for done before it is',
    promise: 'indexes',
    file: 'query/index-build.ts',
    search: 'const [upTo, versions, done] = [this.#upTo, this.#versions, this.#done];',
    replace:
      "const [upTo, versions, done] = [this.#upTo, this.#versions, this.#last?.encodedKey ?? ''];",
    tests: ['test/query/index-build.test.ts'],
  },
  {
    name: 'a recovery does not index what it replays',
    promise: 'indexes',
    file: 'query/index-upkeep.ts',
    search: 'indexes.postingsOf(change, breaks).write(row.position, batch);',
    replace: 'indexes.postingsOf(change, breaks);',
    tests: INDEXES,
  },
  {
    name: 'builds of indexes take the places of the compactions they wait for',
    promise: 'G8',
    file: 'database/indexes.ts',
    search: 'jobs.runInLine(subject,',
    replace: 'jobs.run(subject,',
    tests: ['test/database/indexes.test.ts'],
  },
];

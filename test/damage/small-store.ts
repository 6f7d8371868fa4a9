import { basename, join } from 'node:path';
import { FILE_HEADER_BYTES, isTidemarkError } from '../../base/index.ts';
import { Database, type DatabaseOptions } from '../../database/index.ts';
import { KEYSPACES } from '../../eventlog/index.ts';
import { decodeEdit } from '../../storage/lsm/manifest-format.ts';
import { applyEdit, EMPTY_STATE } from '../../storage/lsm/manifest-state.ts';
import { readRecordLog } from '../../storage/lsm/record-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryFiles } from '../support/memory-files.ts';

export const DIRECTORY = '/store';

export function smallOptions(files: MemoryFiles): DatabaseOptions {
  return {
    files,
    memtableBytes: 1 << 20,
    blockCacheBytes: 1 << 20,
    segmentBytes: 4096,
    snapshotEvery: false,
    durability: 'os',
    clock: new FakeClock(),
  };
}

/**
 * A store of a few KB with everything in it: tables of every keyspace, a snapshot, retired rows, a
 * dropped table, and commits that are in the log only.
 */
export async function smallStore(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const database = await Database.open(DIRECTORY, smallOptions(files));
  await database.createTable('things', { primaryKey: 'id' }, { actor: 'ana', reason: 'start' });
  const things = database.table('things');
  for (let i = 0; i < 6; i++) await things.insert({ id: `thing ${i}`, n: i });
  await database.createTable('numbers', {}, { correlationId: 'c-1' });
  await database.transact((tx) => {
    for (let i = 0; i < 4; i++) tx.table('numbers').insert({ square: i * i });
  });
  await database.snapshots.take();
  await things.update('thing 1', { n: 11 }, { actor: 'ben', idempotencyKey: 'once' });
  await things.delete('thing 2');
  await database.flush();
  await database.dropTable('numbers');
  await things.insert({ id: 'thing 2', n: 22 });
  await things.update('thing 3', { n: 33, late: true }, { actor: 'ana' });
  await things.delete('thing 4');
  await database.close();
  return files;
}

/** Paths of the tables that the newest manifest names, by the name of their keyspace. */
export function tablesByKeyspace(files: MemoryFiles): Record<string, string[]> {
  const manifest = files.paths().find((path) => basename(path).startsWith('MANIFEST-'))!;
  const { payloads } = readRecordLog(
    manifest,
    files.readFile(manifest),
    FILE_HEADER_BYTES,
    () => false,
  );
  let state = EMPTY_STATE;
  for (const payload of payloads) {
    const next = applyEdit(state, decodeEdit(payload, manifest, 0));
    if (typeof next === 'string') throw new RangeError(next);
    state = next;
  }
  const tables: Record<string, string[]> = {};
  for (const { number, keyspace } of state.tables.values()) {
    const { name } = KEYSPACES.find(({ id }) => id === keyspace)!;
    tables[name] ??= [];
    tables[name].push(join(DIRECTORY, 'sst', `${String(number).padStart(6, '0')}.sst`));
  }
  return tables;
}

/** An answer as JSON text, or the error that came in its place. */
export type Answer = string | { readonly refused: string; readonly message: string };

export type Answers = Readonly<Record<string, Answer>>;

const NAMES = ['things', 'numbers'];
/** Around the snapshot, the flush, and what is in the log only. */
const MOMENTS = [0, 4, 11, 12, 13, 14, 16, 18];
const KEYS = ['thing 0', 'thing 1', 'thing 2', 'thing 4', 'nothing'];

/**
 * Everything that can be asked of the store, each question for itself.
 *
 * @param head the position it had when it was sound
 */
export function answersOf(database: Database, head: number): Answers {
  const answers: Record<string, Answer> = {};
  const ask = (question: string, read: () => unknown) => {
    try {
      answers[question] = JSON.stringify(read());
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      answers[question] = { refused: error.code, message: error.message };
    }
  };
  ask('head', () => database.log.head);
  ask('tables', () => database.tables());
  ask('things', () => [...database.table('things').entries()]);
  ask('count', () => database.table('things').count());
  for (const key of KEYS) {
    ask(`row ${key}`, () => database.table('things').read(key));
    ask(`history of ${key}`, () => database.table('things').history(key));
  }
  for (const position of MOMENTS) {
    if (position > head) continue;
    for (const name of NAMES) {
      ask(`${name} at ${position}`, () => {
        const view = database.asOf({ position });
        try {
          const table = view.table(name);
          const row = name === 'things' ? table.read('thing 1') : table.read(1);
          return [row, [...table.entries()], table.count()];
        } finally {
          view.close();
        }
      });
    }
  }
  ask('log', () => [...database.log.read()]);
  ask('commits', () => [...database.log.commits()]);
  ask('log of ana', () => [...database.log.read({ actor: 'ana' })]);
  ask('log of c-1', () => [...database.log.read({ correlationId: 'c-1' })]);
  ask('log of a row', () => [...database.log.read({ table: 'things', key: 'thing 1' })]);
  ask('diff', () => database.diff({ position: 5 }, { position: head }));
  return answers;
}

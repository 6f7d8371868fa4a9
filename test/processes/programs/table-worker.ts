/**
 * Fills two stores alike, one whose tables are made in a thread of their own and one that makes all
 * in this thread, and holds their files against each other. Writes what it found, as JSON.
 *
 * Arguments: the directory, a seed, after how many milliseconds the thread is ended, if it is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NodeFiles, orderedU64, silentLogger } from '../../../base/index.ts';
import { type KeyspaceDefinition, LsmStore, WriteBatch } from '../../../storage/index.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const ROWS: KeyspaceDefinition = { id: 1, name: 'rows', shape: 'overwritten', filter: true };
const LATER: KeyspaceDefinition = { id: 2, name: 'later', shape: 'overwritten', filter: false };
const EVENTS: KeyspaceDefinition = { id: 3, name: 'events', shape: 'appended', filter: false };
const KEYSPACES = [ROWS, LATER, EVENTS];
const FLUSHES = 12;
const BATCHES = 40;
const WRITES = 50;
/** Values come from large buffers, which are copied whole, and from small ones. */
const SLAB_BYTES = 128 * 1024;

const [directory = '', seed = '1', endedAfterMs] = process.argv.slice(2);
let workers = 0;
process.on('worker', (worker) => {
  workers++;
  if (endedAfterMs !== undefined) setTimeout(() => worker.terminate(), Number(endedAfterMs));
});
let errors = 0;

function open(name: string, workerBytesMin: number): Promise<LsmStore> {
  return LsmStore.open({
    files: new NodeFiles(),
    directory: join(directory, name),
    keyspaces: KEYSPACES,
    logger: { ...silentLogger, error: () => errors++ },
    workerBytesMin,
    blockBytes: 1000,
    tableBytesMax: 20_000,
    levelBytesMax: 50_000,
    mergeTablesMin: 3,
  });
}

/** The same writes for the same seed. */
async function fill(store: LsmStore): Promise<void> {
  const random = new SeededRandom(Number(seed));
  let sequence = 0;
  for (let flush = 0; flush < FLUSHES; flush++) {
    const slab = Buffer.alloc(SLAB_BYTES, `slab ${flush} `);
    for (let each = 0; each < BATCHES; each++) {
      const batch = new WriteBatch();
      sequence++;
      for (let i = 0; i < WRITES; i++) write(batch, random, slab);
      batch.set(EVENTS.id, orderedU64(sequence), slab, 100, 100 + random.below(200));
      store.apply(batch, sequence);
    }
    store.publish(sequence);
    await store.freeze({ sequence, applied: null });
    if (flush % 4 === 3) await store.compact();
  }
}

function write(batch: WriteBatch, random: SeededRandom, slab: Buffer): void {
  const key = orderedU64(random.below(2000));
  const start = random.below(SLAB_BYTES - 100);
  if (random.chance(0.2)) batch.delete(ROWS.id, key);
  else if (random.chance(0.5)) batch.set(ROWS.id, key, slab, start, start + random.below(100));
  else batch.set(ROWS.id, key, Buffer.from(`value ${start}`));
  batch.set(LATER.id, key + orderedU64(start), slab, start, start + 9);
}

/** By file name. Compactions may end in another order, and so their tables have other numbers. */
function tablesIn(name: string): string[] {
  const folder = join(directory, name, 'sst');
  return readdirSync(folder)
    .map((file) => readFileSync(join(folder, file)).toString('base64'))
    .sort();
}

async function state(store: LsmStore): Promise<string> {
  const entries: string[] = [];
  for (const { id, name } of KEYSPACES) {
    const cursor = store.published.keyspace(id).scan();
    while (cursor.next()) {
      const value = Buffer.from(cursor.source.subarray(cursor.start, cursor.end)).toString('hex');
      entries.push(`${name} ${Buffer.from(cursor.key, 'latin1').toString('hex')} ${value}`);
    }
  }
  return entries.join('\n');
}

const [apart, here] = [await open('apart', 0), await open('here', Number.MAX_SAFE_INTEGER)];
await Promise.all([fill(apart), fill(here)]);
await Promise.all([apart.compact(), here.compact()]);
const sameState = (await state(apart)) === (await state(here));
const damages = (await apart.check(10)).length;
const { flushes, compactions } = apart.stats();
await Promise.all([apart.close(), here.close()]);
// What a thread that was ended left behind goes when the store is opened again.
await (await open('apart', 0)).close();
const tables = tablesIn('apart');
const report = {
  workers,
  errors,
  damages,
  sameState,
  sameTables: JSON.stringify(tables) === JSON.stringify(tablesIn('here')),
  tables: tables.length,
  flushes,
  compactions,
};
process.stdout.write(JSON.stringify(report));

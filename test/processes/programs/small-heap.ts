/**
 * Takes many events, merges, reopens and reads, with small options: made to be run with a small heap
 * (`node --max-old-space-size=128`). Writes what it did, and what memory it took, as JSON.
 *
 * Arguments: the directory, the number of events.
 */
import { Database, type DatabaseOptions } from '../../../database/index.ts';

const MIB = 1024 * 1024;
const OPTIONS = {
  memtableBytes: 4 * MIB,
  blockCacheBytes: 4 * MIB,
  segmentBytes: 8 * MIB,
  pendingBytesMax: 2 * MIB,
} as const satisfies DatabaseOptions;
const EVENTS_EACH = 1000;
const CONCURRENT = 4;

const [directory = '', count = '0'] = process.argv.slice(2);
const events = Number(count);
const seconds: Record<string, number> = {};
const rssMiB: Record<string, number> = {};

async function phase<T>(name: string, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  seconds[name] = Math.round(performance.now() - start) / 1000;
  rssMiB[name] = Math.round(process.resourceUsage().maxRSS / 1024);
  return result;
}

/** About 130 bytes. Every fourth event changes the row of the one before it, every other is a new row. */
function row(event: number) {
  const id = event % 4 === 3 ? event - 1 : event;
  const city = ['Lisboa', 'Porto', 'Coimbra', 'Braga'][event % 4]!;
  const text = `customer of ${city}, order by mail, number ${event % 977}`;
  return { id, amount: (event * 37) % 100_000, city, open: event % 3 === 0, text };
}

async function write(database: Database): Promise<void> {
  let next = 0;
  const writer = async () => {
    for (let from = next; from < events; from = next) {
      next = Math.min(events, from + EVENTS_EACH);
      const to = next;
      await database.transact((tx) => {
        const orders = tx.table('orders');
        for (let event = from; event < to; event++) orders.upsert(row(event));
      });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, writer));
}

function scan(rows: Iterable<{ readonly amount?: unknown }>) {
  let counted = 0;
  let amount = 0;
  for (const each of rows) {
    counted++;
    amount += Number(each.amount);
  }
  return { rows: counted, amount };
}

let database = await Database.open(directory, OPTIONS);
await database.createTable('orders', { primaryKey: 'id', keyType: 'integer' });
await phase('write', () => write(database));
await phase('compact', () => database.compact());
const { compactions, flushes } = database.stats().storage;
await database.close();
database = await phase('reopen', () => Database.open(directory, OPTIONS));
const present = await phase('scan', async () => scan(database.table('orders').scan()));
const middle = await phase('past', async () => {
  const view = database.asOf({ position: Math.floor(events / 2) });
  const found = scan(view.table('orders').scan());
  view.close();
  return found;
});
const versions = database.table('orders').history(2).length;
const { position, storage } = database.stats();
await database.close();

const bytes = storage.keyspaces.reduce((sum, { tableBytes }) => sum + tableBytes, 0);
const report = { events: position, present, middle, versions, flushes, compactions, bytes };
process.stdout.write(`${JSON.stringify({ ...report, seconds, rssMiB })}\n`);

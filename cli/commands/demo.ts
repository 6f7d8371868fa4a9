import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import { Database } from '../../database/index.ts';
import type { Context, ContextOf } from '../context.ts';
import { ORDER_SCHEMA, ORDERS, PRODUCT_SCHEMA, PRODUCTS } from '../sample/shop.ts';
import { Story } from '../story.ts';

/** The one directory that the demonstration wipes: it is named for that. */
const DIRECTORY = 'data/demo';

/** `demo`: the main job on a small store of its own, told as a story. */
export function addDemo(program: Command, contextOf: ContextOf): void {
  program
    .command('demo')
    .description(`show what Tidemark does, on a small store made anew in ${DIRECTORY}`)
    .action((_options: object, command: Command) => {
      const given = command.parent?.getOptionValueSource('data') === 'cli';
      return demo(contextOf(command), given);
    });
}

async function demo(context: Context, isGiven: boolean): Promise<void> {
  const directory = isGiven ? context.options.data : DIRECTORY;
  prepare(directory, isGiven);
  const story = new Story(context);
  story.title('Tidemark: a table store that never forgets');
  story.say('A small shop. Each call is shown as it runs, with its answer under it.');
  const before = await firstDays(story, directory);
  await reopened(story, directory, before);
  story.say(`The store stays in ${directory}. Look around in it:`);
  const tidemark = `npx tidemark --data ${directory}`;
  for (const words of ['tables', 'history orders 1002', `scan orders --as-of ${before}`, 'log']) {
    story.command(`${tidemark} ${words}`);
  }
}

/** Loads the shop and changes it; gives a time between the two. */
async function firstDays(story: Story, directory: string): Promise<string> {
  story.chapter('Open a store and load the shop');
  const db = await story.run('const db =', () => Database.open(directory));
  try {
    const schema = PRODUCT_SCHEMA;
    const orderSchema = ORDER_SCHEMA;
    await story.run('', () => db.createTable('products', { primaryKey: 'sku', schema }));
    await story.run('', () => db.createTable('orders', { primaryKey: 'id', schema: orderSchema }));
    const products = db.table('products');
    const orders = db.table('orders');
    await story.run('', () => products.insertMany(PRODUCTS, { actor: 'import' }));
    await story.run('', () => orders.insertMany(ORDERS, { actor: 'web shop' }));
    story.table(orders.scan(), 'id', 'customer', 'sku');

    story.chapter('Remember this moment, then let things change');
    const before = await story.run('const before =', () => db.log.head.time);
    story.answer(before);
    await story.run('', () =>
      orders.update(
        1002,
        { pieces: 2, total: 25800 },
        {
          actor: 'ana',
          reason: 'customer called',
        },
      ),
    );
    await story.run('', () => orders.delete(1003, { actor: 'ana', reason: 'paid twice' }));
    story.say('A transaction decides on what it sees; all of it is one commit:');
    await story.run('', () =>
      db.transact(
        (tx) => {
          const stock = Number(tx.table('products').get('CHAIR-7')?.stock);
          tx.table('products').update('CHAIR-7', { stock: stock - 2 });
          tx.table('orders').update(1002, { state: 'sent' });
        },
        { actor: 'ben', reason: 'handed over', correlationId: 'parcel-77' },
      ),
    );
    story.table(orders.scan(), 'id', 'customer', 'sku');
    return before;
  } finally {
    await db.close();
  }
}

/** Everything about the past, asked after a restart. */
async function reopened(story: Story, directory: string, before: string): Promise<void> {
  story.chapter('Close, open again, and ask for the past');
  const db = await story.run('const db =', () => Database.open(directory));
  try {
    const then = await story.run('const then =', () => db.asOf(before));
    story.answer(`position ${then.position}, ${then.time}`);
    const rows = await story.run('', () => then.table('orders').scan());
    story.table(rows, 'id', 'customer', 'sku');
    then.close();

    story.chapter('One row, all its versions');
    const versions = await story.run('', () => db.table('orders').history(1002));
    story.table(
      versions.map(({ version, op, actor, reason, row }) => ({
        version,
        op,
        pieces: row?.pieces,
        state: row?.state,
        actor,
        reason,
      })),
    );

    story.chapter('What changed since?');
    const { head } = db.log;
    const differences = await story.run('', () => db.diff(before, { position: head.position }));
    story.table(
      differences.map(({ table, key, op, before: was, after: is }) => ({
        table,
        key,
        op,
        change: changedColumns(was, is),
      })),
    );

    story.chapter('Who did what, and why: the audit log');
    const events = await story.run('', () => db.log.read({ since: before, reverse: true }));
    story.table(
      [...events].slice(0, 4).map(({ position, table, key, op, actor, reason }) => ({
        position,
        table,
        key,
        op,
        actor,
        reason,
      })),
    );

    story.chapter('Is every byte as it was written?');
    const report = await story.run('', () => db.verify());
    story.answer(report.ok ? 'ok: true, no problems' : JSON.stringify(report.problems));
  } finally {
    await db.close();
  }
}

type Columns = Readonly<Record<string, unknown>>;

function changedColumns(before: Columns | undefined, after: Columns | undefined): string {
  if (before === undefined) return 'new';
  if (after === undefined) return 'gone';
  return Object.keys(after)
    .filter((column) => before[column] !== after[column])
    .map((column) => `${column} ${before[column]}→${after[column]}`)
    .join(', ');
}

/** @throws DIRECTORY_FOREIGN rather than wipe what the demonstration did not make */
function prepare(directory: string, isGiven: boolean): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  if (isGiven || !existsSync(join(directory, 'CURRENT'))) {
    throw new TidemarkError(
      'DIRECTORY_FOREIGN',
      `${directory} is not empty; the demonstration makes its store in an empty directory`,
      { directory },
    );
  }
  rmSync(directory, { recursive: true });
}

import { Database } from '../../database/index.ts';
import { FakeClock } from './fake-clock.ts';

/** What the golden backup holds: a table, rows in tables of the trees, and one behind them in the log. */
export const GOLDEN_ROWS = [
  { id: 1, text: 'in a table' },
  { id: 2, text: 'in the log' },
];

/** Takes the golden backup of a new store in `directory`. Its generation is another one each time. */
export async function takeGoldenBackup(directory: string, path: string): Promise<void> {
  const database = await Database.open(directory, { clock: new FakeClock() });
  await database.createTable('notes', { primaryKey: 'id', keyType: 'integer' });
  await database.table('notes').insert(GOLDEN_ROWS[0]!, { actor: 'ana' });
  await database.flush();
  await database.table('notes').insert(GOLDEN_ROWS[1]!);
  await database.backup(path);
  await database.close();
}

/**
 * Opens a database and writes for as long as it lives: several writers at once, and a follower.
 * Tells its parent each commit that was acknowledged or seen. Made to be killed.
 *
 * Arguments: the directory, the position that the follower begins at.
 */
import { Database } from '../../../database/index.ts';
import { carryOut, WRITER_OPTIONS, WRITERS, type WriterMessage } from './writer-plan.ts';

const [directory = '', from = '1'] = process.argv.slice(2);

function tell(message: WriterMessage): void {
  process.send?.(message);
}

const database = await Database.open(directory, WRITER_OPTIONS);
for (const name of ['counters', 'rows']) {
  if (database.tables().some((table) => table.name === name)) continue;
  await database.createTable(name, { primaryKey: 'id', keyType: 'string' });
}
const done = Array.from({ length: WRITERS }, (_, writer) =>
  Number(database.table('counters').get(`w${writer}`)?.n ?? 0),
);
tell({ kind: 'opened', done, generation: database.stats().generation });

async function write(writer: number): Promise<never> {
  for (let n = done[writer]! + 1; ; n++) {
    const { position } = await database.transact((tx) => carryOut(tx, writer, n), {
      actor: `w${writer}`,
      fields: { n },
    });
    tell({ kind: 'acked', writer, n, position });
  }
}

async function follow(): Promise<void> {
  for await (const commit of database.log.follow({ from: Number(from) })) {
    tell({ kind: 'seen', position: commit.position, commit: JSON.stringify(commit) });
  }
}

await Promise.all([follow(), ...done.map((_, writer) => write(writer))]);

import type { Command } from 'commander';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { momentText } from '../moment.ts';

/** `snapshot take|list|release`; plain `snapshot` takes one. */
export function addSnapshot(program: Command, contextOf: ContextOf): void {
  const snapshot = program
    .command('snapshot')
    .description('pinned states that make reading the past faster');
  snapshot
    .command('take', { isDefault: true })
    .description('take a snapshot of now')
    .action((_options: object, command: Command) => take(contextOf(command)));
  snapshot
    .command('list')
    .description('list the snapshots')
    .action((_options: object, command: Command) => list(contextOf(command)));
  snapshot
    .command('release')
    .description('let go of a snapshot; the past stays readable without it')
    .argument('<name>')
    .action((name: string, _options: object, command: Command) =>
      release(contextOf(command), name),
    );
}

async function take(context: Context): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const snapshot = await database.snapshots.take();
    context.answer(snapshot, `took snapshot ${snapshot.name} at ${momentText(snapshot)}`);
  });
}

async function list(context: Context): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const shown = await context.list({
      items: database.snapshots.list(),
      cells: ({ name, position, time, bytes }) => ({ name, position, time, bytes }),
      json: (snapshot) => snapshot,
    });
    context.note(counted(shown, 'snapshot'));
  });
}

async function release(context: Context, name: string): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    await database.snapshots.release(name);
    context.answer({ released: name }, `released snapshot ${name}`);
  });
}

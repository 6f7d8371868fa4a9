import { type Command, Option } from 'commander';
import type { IndexShape, IndexStatus } from '../../database/index.ts';
import { type MetadataOptions, metadataOf, withMetadata } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { EXIT } from '../exit-codes.ts';
import { momentText } from '../moment.ts';

interface CreateOptions extends MetadataOptions {
  readonly type?: 'equality' | 'range' | 'text';
  readonly unique?: boolean;
  readonly each?: boolean;
  readonly raw?: boolean;
  readonly keyPrefix?: string;
}

/** `index create`, `index list`, `index drop`, `index rebuild`, `index check`. */
export function addIndexes(program: Command, contextOf: ContextOf): void {
  const group = program.command('index').description('secondary indexes');
  withMetadata(group.command('create'))
    .description('declare an index, and build it from the log')
    .argument('<name>')
    .argument('<table>', 'a table; $keys for the key space')
    .argument('[columns...]', 'columns, and paths that begin with $; several for a composite index')
    .addOption(
      new Option('--type <type>', 'the questions it serves').choices(['equality', 'range', 'text']),
    )
    .option('--unique', 'no two rows may have the same value')
    .option('--each', 'take the elements of an array one by one')
    .option('--raw', 'take the whole value: for the key space')
    .option('--key-prefix <prefix>', 'only rows whose key begins with it')
    .action((name: string, table: string, on: string[], options: CreateOptions, command: Command) =>
      create(contextOf(command), name, table, shapeOf(on, options), options),
    );
  group
    .command('list')
    .description('list the indexes, of one table or of all')
    .argument('[table]')
    .action((table: string | undefined, _options: object, command: Command) =>
      list(contextOf(command), table),
    );
  withMetadata(group.command('drop'))
    .description('drop an index')
    .argument('<name>')
    .action((name: string, options: MetadataOptions, command: Command) =>
      drop(contextOf(command), name, options),
    );
  group
    .command('rebuild')
    .description('build an index again')
    .argument('<name>')
    .action((name: string, _options: object, command: Command) =>
      rebuild(contextOf(command), name),
    );
  group
    .command('check')
    .description('hold an index against the log; exit code 6 if it differs')
    .argument('<name>')
    .action((name: string, _options: object, command: Command) => check(contextOf(command), name));
}

function shapeOf(on: readonly string[], options: CreateOptions): IndexShape {
  const { type, unique, each, raw, keyPrefix } = options;
  return {
    ...(on.length === 0 ? {} : { on }),
    ...(type === undefined ? {} : { type }),
    ...(unique === undefined ? {} : { unique }),
    ...(each === undefined ? {} : { each }),
    ...(raw === true ? { extractor: 'raw' as const } : {}),
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
  };
}

async function create(
  context: Context,
  name: string,
  table: string,
  shape: IndexShape,
  options: CreateOptions,
): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const outcome = await database.createIndex(name, { table, ...shape }, metadataOf(options));
    const text = `made index ${name} of ${table} at ${momentText(outcome)}`;
    context.answer({ index: name, table, ...outcome }, text);
  });
}

async function list(context: Context, table: string | undefined): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const indexes = database.indexes(table);
    await context.list({ items: indexes, cells, json: (index) => ({ ...index }) });
    context.note(counted(indexes.length, 'index', 'indexes'));
  });
}

function cells({ name, table, type, on, extractor, unique, state, progress }: IndexStatus) {
  const progressShown = progress === 1 ? state : `${state}, ${Math.floor(progress * 100)} %`;
  const what = on.length === 0 ? `(${extractor})` : on.join(', ');
  return {
    index: name,
    table,
    on: what,
    type,
    unique: unique ? 'yes' : 'no',
    state: progressShown,
  };
}

async function drop(context: Context, name: string, options: MetadataOptions): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const outcome = await database.dropIndex(name, metadataOf(options));
    context.answer({ index: name, ...outcome }, `dropped index ${name} at ${momentText(outcome)}`);
  });
}

async function rebuild(context: Context, name: string): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    await database.rebuildIndex(name);
    context.answer({ index: name }, `built index ${name} again`);
  });
}

async function check(context: Context, name: string): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const report = await database.checkIndex(name);
    if (!report.ok) context.exitCode = EXIT.damage;
    if (context.options.json) return context.answer(report, '');
    const { ok, problems, ...counts } = report;
    context.record(counts);
    await context.list({
      items: problems,
      cells: (message) => ({ problem: message }),
      json: (message) => ({ message }),
    });
    const found = `index ${name} differs: ${counted(report.problemCount, 'problem')}`;
    context.answer({}, ok ? `sound: index ${name} is what the log gives` : found);
  });
}

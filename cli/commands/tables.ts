import { type Command, Option } from 'commander';
import { isTidemarkError } from '../../base/index.ts';
import type { KeyType, TableDefinition } from '../../database/index.ts';
import {
  type MetadataOptions,
  type MomentOptions,
  metadataOf,
  momentOf,
  withMetadata,
  withMoment,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { momentText, readAt } from '../moment.ts';
import { readSchema } from '../readers/schema-file.ts';

interface CreateOptions extends MetadataOptions {
  readonly key?: string;
  readonly keyType?: KeyType;
  readonly schema?: string;
}

interface AlterOptions extends MetadataOptions {
  readonly schema: string;
}

/** `init`, `create-table`, `alter-table`, `drop-table`, `tables`. */
export function addTables(program: Command, contextOf: ContextOf): void {
  program
    .command('init')
    .description('make an empty store; harmless if it is there')
    .action((_options: object, command: Command) => init(contextOf(command)));
  withMetadata(program.command('create-table'))
    .description('make a table (and the store, if need be)')
    .argument('<name>')
    .option('--key <column>', 'the primary key column; without one the store gives integer keys')
    .addOption(keyTypeOption())
    .option('--schema <file>', 'a JSON Schema that every row must fit')
    .action((name: string, options: CreateOptions, command: Command) =>
      createTable(contextOf(command), name, options),
    );
  withMetadata(program.command('alter-table'))
    .description('give a table another JSON Schema; its rows must fit')
    .argument('<name>')
    .requiredOption('--schema <file>', 'the new JSON Schema')
    .action((name: string, options: AlterOptions, command: Command) =>
      alterTable(contextOf(command), name, options),
    );
  withMetadata(program.command('drop-table'))
    .description('drop a table; its past stays readable')
    .argument('<name>')
    .action((name: string, options: MetadataOptions, command: Command) =>
      dropTable(contextOf(command), name, options),
    );
  withMoment(program.command('tables'))
    .description('list the tables')
    .action((options: MomentOptions, command: Command) => listTables(contextOf(command), options));
}

export function keyTypeOption(): Option {
  return new Option('--key-type <type>', 'the type of the primary key').choices([
    'string',
    'integer',
  ]);
}

async function init(context: Context): Promise<void> {
  const { data } = context.options;
  let created = false;
  try {
    await context.withDatabase({ create: false }, async () => undefined);
  } catch (error) {
    if (!isTidemarkError(error, 'DIRECTORY_MISSING')) throw error;
    created = true;
    await context.withDatabase({ create: true }, async () => undefined);
  }
  const text = created ? `made a store in ${data}` : `there is a store in ${data} already`;
  context.answer({ directory: data, created }, text);
}

async function createTable(context: Context, name: string, options: CreateOptions) {
  const definition = {
    ...(options.key === undefined ? {} : { primaryKey: options.key }),
    ...(options.keyType === undefined ? {} : { keyType: options.keyType }),
    ...(options.schema === undefined ? {} : { schema: readSchema(options.schema) }),
  };
  await context.withDatabase({ create: true }, async (database) => {
    const outcome = await database.createTable(name, definition, metadataOf(options));
    context.answer({ table: name, ...outcome }, `made table ${name} at ${momentText(outcome)}`);
  });
}

async function alterTable(context: Context, name: string, options: AlterOptions) {
  const schema = readSchema(options.schema);
  await context.withDatabase({ create: false }, async (database) => {
    const outcome = await database.alterTable(name, { schema }, metadataOf(options));
    context.answer({ table: name, ...outcome }, `altered table ${name} at ${momentText(outcome)}`);
  });
}

async function dropTable(context: Context, name: string, options: MetadataOptions) {
  await context.withDatabase({ create: false }, async (database) => {
    const outcome = await database.dropTable(name, metadataOf(options));
    context.answer({ table: name, ...outcome }, `dropped table ${name} at ${momentText(outcome)}`);
  });
}

async function listTables(context: Context, options: MomentOptions): Promise<void> {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async (reading, moment) => {
      const tables = reading.tables().map((info) => ({
        info,
        rows: reading.table(info.name).count(),
      }));
      await context.list({
        items: tables,
        cells: ({ info, rows }) => tableCells(info, rows),
        json: ({ info, rows }) => ({ ...info, rows, asOf: moment }),
      });
      context.note(`${counted(tables.length, 'table')} as of ${momentText(moment)}`);
    }),
  );
}

function tableCells(info: TableDefinition, rows: number) {
  const key = info.primaryKey ?? '(given by the store)';
  const schema = info.schema === undefined ? 'none' : `version ${info.schemaVersion}`;
  return { table: info.name, rows, key, 'key type': info.keyType, schema };
}

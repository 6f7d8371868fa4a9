import { type Command, InvalidArgumentError, Option } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import type { KeyType } from '../../database/index.ts';
import { countArgument, type MetadataOptions, withSharedMetadata } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { importHistory } from '../import-history.ts';
import { type Format, importRows } from '../import-rows.ts';
import { openInput } from '../readers/input.ts';
import { readSchema } from '../readers/schema-file.ts';
import { keyTypeOption } from './tables.ts';

interface ImportOptions extends MetadataOptions {
  readonly history?: string;
  readonly resume?: boolean;
  readonly table: string;
  readonly key?: string;
  readonly keyType?: KeyType;
  readonly schema?: string;
  readonly format?: Format;
  readonly delimiter?: string;
  readonly batch: number;
  readonly atomic?: boolean;
  readonly upsert?: boolean;
}

const BATCH_DEFAULT = 1000;
const ROWS_ONLY = ['format', 'delimiter', 'batch', 'atomic', 'upsert'];

/** `import`: rows from CSV or NDJSON, or a whole history with its own timestamps. */
export function addImport(program: Command, contextOf: ContextOf): void {
  withSharedMetadata(program.command('import'))
    .description('bring in rows (CSV, NDJSON), or with --history a history; gzip is read as it is')
    .argument('[file]', 'a file of rows; - is standard input')
    .requiredOption('--table <name>', 'the table; made if it is not there')
    .option('--key <column>', 'the primary key column of a table that is made')
    .addOption(keyTypeOption())
    .option('--schema <file>', 'the JSON Schema of a table that is made')
    .addOption(new Option('--format <format>', 'default: guessed').choices(['csv', 'ndjson']))
    .option('--delimiter <character>', 'between CSV columns; default: comma, or tab for .tsv', one)
    .option('--batch <rows>', 'rows in one commit', countArgument, BATCH_DEFAULT)
    .addOption(new Option('--atomic', 'the whole file in one commit').conflicts('batch'))
    .option('--upsert', 'replace rows that are there already')
    .addOption(
      new Option(
        '--history <file>',
        'NDJSON lines {time, changes: [{op, key, row}], actor?, reason?}; - is standard input',
      ).conflicts(ROWS_ONLY),
    )
    .option('--resume', 'with --history: leave out what is at or before the newest commit')
    .action((file: string | undefined, options: ImportOptions, command: Command) =>
      importInto(contextOf(command), file, options),
    );
}

async function importInto(context: Context, file: string | undefined, options: ImportOptions) {
  const { history, table, key, keyType, schema } = options;
  const path = history ?? file;
  if (path === undefined || (history !== undefined && file !== undefined)) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      'name one file: "import <file>" or "--history <file>"',
    );
  }
  // Before the store is opened: a name that was mistyped must not leave an empty store behind.
  const input = openInput(path, context.terminal.stdin);
  const target = {
    table,
    primaryKey: key,
    keyType,
    schema: schema === undefined ? undefined : readSchema(schema),
  };
  await context.withDatabase({ create: true }, (database) =>
    context.terminal.interruptible((signal) =>
      history === undefined
        ? importRows(context, database, input, target, { ...options, signal })
        : importHistory(context, database, input, target, { ...options, signal }),
    ),
  );
}

function one(text: string): string {
  const delimiter = text === '\\t' ? '\t' : text;
  if ([...delimiter].length === 1) return delimiter;
  throw new InvalidArgumentError('It must be one character, or \\t for a tab.');
}

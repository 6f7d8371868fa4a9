import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import type { Database, KeyType } from '../../database/index.ts';
import { countArgument, type MetadataOptions, withSharedMetadata } from '../arguments.ts';
import { ImportMode } from '../batch-landing.ts';
import { type ColumnMap, mapArgument } from '../column-map.ts';
import type { Context, ContextOf } from '../context.ts';
import { importHistory } from '../import-history.ts';
import { importRows } from '../import-rows.ts';
import { HISTORY_FORMATS, type HistoryFormat } from '../readers/history-formats.ts';
import { openInput } from '../readers/input.ts';
import { readSchema } from '../readers/schema-file.ts';
import type { Format } from '../row-import.ts';
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
  readonly mode: ImportMode;
  readonly map?: ColumnMap;
  readonly dryRun?: boolean;
  readonly rejected?: string;
  readonly again?: boolean;
  readonly historyFormat?: HistoryFormat;
  readonly zone?: string;
  readonly itemType?: string;
}

const BATCH_DEFAULT = 1000;
const ROWS_ONLY = ['format', 'delimiter', 'batch', 'atomic', 'mode', 'map', 'again'];

/** `import`: rows from CSV or NDJSON, or a whole history with its own timestamps. */
export function addImport(program: Command, contextOf: ContextOf): void {
  withSharedMetadata(program.command('import'))
    .description('bring in rows (CSV, NDJSON), or with --history a history; gzip is read as it is')
    .argument('[file]', 'a file of rows; - is standard input')
    .requiredOption('--table <name>', 'the table; made if it is not there')
    .option('--key <column>', 'the primary key column of a table that is made')
    .addOption(keyTypeOption())
    .option('--schema <file>', 'the JSON Schema of a table that is made')
    .addOption(
      new Option('--format <format>', 'default: guessed').choices(['csv', 'ndjson', 'json']),
    )
    .option('--delimiter <character>', 'between CSV columns; default: comma, or tab for .tsv', one)
    .option('--batch <rows>', 'rows in one commit', countArgument, BATCH_DEFAULT)
    .addOption(new Option('--atomic', 'the whole file in one commit').conflicts('batch'))
    .addOption(
      new Option('--mode <mode>', 'upsert replaces rows that are there already')
        .choices(Object.values(ImportMode))
        .default(ImportMode.insert),
    )
    .option('--map <column=source>', 'a column under another name; several times', mapArgument)
    .option('--dry-run', 'write nothing; show what would be rejected')
    .option('--rejected <file>', 'put lines that are refused there, as NDJSON, and go on')
    .addOption(
      new Option(
        '--history <file>',
        'NDJSON lines {time, changes: [{op, key, row}], actor?, reason?}; - is standard input',
      ).conflicts(ROWS_ONLY),
    )
    .option('--resume', 'go on with an import that was broken off: the same command again')
    .addOption(
      new Option('--again', 'bring in once more what was brought in before').conflicts('resume'),
    )
    .addOption(
      new Option('--history-format <format>', 'who kept the history; default: tidemark').choices(
        HISTORY_FORMATS,
      ),
    )
    .option('--zone <offset>', 'of times in a history that have none, such as Z or +02:00')
    .option('--item-type <name>', 'of a PaperTrail history: only changes of this type')
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
  const work = (database: Database | undefined) =>
    context.terminal.interruptible((signal) => {
      if (history === undefined)
        return importRows(context, database, input, target, { ...options, signal });
      return importHistory(context, database, input, target, { ...options, signal });
    });
  if (options.dryRun !== true) await context.withDatabase({ create: true }, work);
  else if (existsSync(join(context.options.data, 'CURRENT'))) {
    await context.withDatabase({ create: false }, work);
  } else await work(undefined);
}

function one(text: string): string {
  const delimiter = text === '\\t' ? '\t' : text;
  if ([...delimiter].length === 1) return delimiter;
  throw new InvalidArgumentError('It must be one character, or \\t for a tab.');
}

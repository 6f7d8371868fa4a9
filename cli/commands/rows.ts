import type { Command } from 'commander';
import type { JsonObject } from '../../base/index.ts';
import type { ChangeOutcome, KeyType, Table } from '../../database/index.ts';
import {
  countArgument,
  keyArgument,
  type MetadataOptions,
  metadataOf,
  rowArgument,
  withMetadata,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { momentText, tableInfo } from '../moment.ts';

interface ChangeOptions extends MetadataOptions {
  readonly expectedVersion?: number;
}

type Change = (table: Table) => Promise<ChangeOutcome>;

/** `insert`, `put`, `update`, `delete`: one row, one commit. */
export function addRows(program: Command, contextOf: ContextOf): void {
  withMetadata(program.command('insert'))
    .description('insert a row; its key must be new')
    .argument('<table>')
    .argument('<row>', 'a JSON object')
    .action((table: string, row: string, options: MetadataOptions, command: Command) => {
      const parsed = rowArgument(row);
      return change(contextOf(command), table, 'inserted', (rows) =>
        rows.insert(parsed, metadataOf(options)),
      );
    });
  withVersion(withMetadata(program.command('put')))
    .description('insert a row, or replace the one with its key')
    .argument('<table>')
    .argument('<row>', 'a JSON object')
    .action((table: string, row: string, options: ChangeOptions, command: Command) => {
      const parsed = rowArgument(row);
      return change(contextOf(command), table, 'put', (rows) =>
        rows.upsert(parsed, changeOf(options)),
      );
    });
  withVersion(withMetadata(program.command('update')))
    .description('change columns of a row')
    .argument('<table>')
    .argument('<key>')
    .argument('<changes>', 'a JSON object of the columns to change')
    .action((table: string, key: string, row: string, options: ChangeOptions, command: Command) => {
      const changes: JsonObject = rowArgument(row);
      return change(contextOf(command), table, 'updated', (rows, keyType) =>
        rows.update(keyArgument(key, keyType), changes, changeOf(options)),
      );
    });
  withVersion(withMetadata(program.command('delete')))
    .description('delete a row; its past stays readable')
    .argument('<table>')
    .argument('<key>')
    .action((table: string, key: string, options: ChangeOptions, command: Command) =>
      change(contextOf(command), table, 'deleted', (rows, keyType) =>
        rows.delete(keyArgument(key, keyType), changeOf(options)),
      ),
    );
}

function withVersion(command: Command): Command {
  return command.option(
    '--expected-version <n>',
    'refuse unless the row is at this version',
    countArgument,
  );
}

function changeOf(options: ChangeOptions) {
  const { expectedVersion } = options;
  return { ...metadataOf(options), ...(expectedVersion === undefined ? {} : { expectedVersion }) };
}

async function change(
  context: Context,
  table: string,
  done: string,
  work: (rows: Table, keyType: KeyType) => ReturnType<Change>,
): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const outcome = await work(database.table(table), tableInfo(database, table).keyType);
    const what = outcome.changed ? done : 'nothing to change in';
    context.answer(
      { table, ...outcome },
      `${what} ${table} ${JSON.stringify(outcome.key)}, version ${outcome.version}, at ${momentText(outcome)}`,
    );
  });
}

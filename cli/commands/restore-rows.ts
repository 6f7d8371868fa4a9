import type { Command } from 'commander';
import type { RestoredRow, RestoreOutcome } from '../../database/index.ts';
import {
  keyArgument,
  type MetadataOptions,
  type Moment,
  metadataOf,
  momentArgument,
  positionArgument,
  whereArgument,
  withMetadata,
} from '../arguments.ts';
import { changeText } from '../change-text.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { momentText, tableInfo } from '../moment.ts';

interface RestoreOptions extends MetadataOptions {
  readonly preview?: boolean;
  readonly seen?: number;
}

interface RestoreRowsOptions extends RestoreOptions {
  readonly to: Moment;
  readonly all?: boolean;
  readonly where?: string;
  readonly allowScan?: boolean;
}

interface UndoOptions extends RestoreOptions {
  readonly overwrite?: boolean;
}

/** `restore-rows`, `undo`: rows as they were, as one new commit. */
export function addRestoreRows(program: Command, contextOf: ContextOf): void {
  withPreview(withMetadata(program.command('restore-rows')))
    .description('bring rows of a table back to what they were at a moment')
    .argument('<table>')
    .argument('[keys...]', 'the rows')
    .requiredOption('--to <moment>', 'a position or a time', momentArgument)
    .option('--where <json>', 'instead of keys: rows that fit now, and rows that fitted then')
    .option('--allow-scan', 'read the whole table for --where if no index serves')
    .option('--all', 'instead of keys: all rows that changed since')
    .action((table: string, keys: string[], options: RestoreRowsOptions, command: Command) => {
      const ways = [keys.length > 0, options.where !== undefined, options.all === true];
      if (ways.filter(Boolean).length !== 1) {
        command.error('name the rows in one way: by keys, --where or --all');
      }
      return restoreRows(contextOf(command), table, keys, options);
    });
  withPreview(withMetadata(program.command('undo')))
    .description('take a commit back: its rows become what they were before it')
    .argument('<position>', 'any position of the commit', positionArgument)
    .option('--overwrite', 'also where its rows were changed later; those changes are lost')
    .action((position: number, options: UndoOptions, command: Command) =>
      undo(contextOf(command), position, options),
    );
}

function withPreview(command: Command): Command {
  return command
    .option('--preview', 'show what would change and which later edits are lost; write nothing')
    .option(
      '--seen <n>',
      'the position of a preview: refuse if a row was changed since',
      positionArgument,
    );
}

async function restoreRows(
  context: Context,
  table: string,
  words: readonly string[],
  options: RestoreRowsOptions,
): Promise<void> {
  const { to, allowScan, preview, seen } = options;
  const where = options.where === undefined ? undefined : whereArgument(options.where);
  await context.withDatabase({ create: false }, async (database) => {
    const { keyType } = tableInfo(database, table);
    const named = words.map((word) => keyArgument(word, keyType));
    const keys = named.length > 0 ? named : undefined;
    const request = { table, keys, where, allowScan, to };
    await show(
      context,
      await database.restoreRows(request, metadataOf(options), { preview, seen }),
    );
  });
}

async function undo(context: Context, position: number, options: UndoOptions): Promise<void> {
  const { preview, seen, overwrite } = options;
  await context.withDatabase({ create: false }, async (database) => {
    const how = { preview, seen, overwrite };
    await show(context, await database.undo({ position }, metadataOf(options), how));
  });
}

async function show(context: Context, outcome: RestoreOutcome): Promise<void> {
  const { rows, preview, position, replayed } = outcome;
  const json = (row: RestoredRow) => ({ ...row, preview, position });
  await context.list({ items: rows, cells: restoredCells, json });
  const at = momentText(outcome);
  if (replayed) context.note(`done before, at ${at}`);
  else if (rows.length === 0) context.note(`nothing to change, as of ${at}`);
  else if (preview) {
    context.note(
      `${counted(rows.length, 'row')} would change, as of ${at}; to do it only if nothing else changes before: --seen ${position}`,
    );
  } else context.note(`${counted(rows.length, 'row')} restored at ${at}`);
}

function restoredCells(row: RestoredRow) {
  const { table, key, op, edits, laterEdits = [] } = row;
  const shown = laterEdits.map(({ position, time, actor }) => {
    const by = actor === undefined ? '' : ` by ${actor}`;
    return `${position} (${time})${by}`;
  });
  const others = edits - shown.length;
  const where = shown.length > 0 ? ' before these' : '';
  if (others > 0) shown.push(`${counted(others, 'edit')}${where}`);
  return { table, key, op, change: changeText(row), overwrites: shown.join(', ') };
}

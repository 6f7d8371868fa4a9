import type { Command } from 'commander';
import type { JsonObject } from '../../base/index.ts';
import { inspectFile } from '../../database/index.ts';
import { countArgument } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';

interface InspectOptions {
  readonly limit?: number;
}

const LIMIT_DEFAULT = 50;

/** `inspect`: what stands in a file of a store. */
export function addInspect(program: Command, contextOf: ContextOf): void {
  program
    .command('inspect')
    .description('show what a file of a store holds: a table, a manifest, a segment of the log')
    .argument('<file>')
    .option('--limit <n>', 'at most so many entries', countArgument, LIMIT_DEFAULT)
    .action((file: string, options: InspectOptions, command: Command) =>
      inspect(contextOf(command), file, options),
    );
}

async function inspect(context: Context, file: string, { limit = LIMIT_DEFAULT }: InspectOptions) {
  const { kind, facts, parts } = inspectFile(file);
  if (context.options.json) context.answer({ kind, ...facts }, '');
  else context.record({ kind, ...facts });
  if (!context.options.json) context.output.line('');
  let isCut = false;
  const shown = await context.list({
    items: firstOf(parts, limit, () => {
      isCut = true;
    }),
    cells: (part) => part,
    json: (part) => part,
  });
  const more = isCut ? '; there is more, see --limit' : '';
  context.note(`${counted(shown, 'part')} shown${more}`);
}

function* firstOf(parts: Iterable<JsonObject>, limit: number, onCut: () => void) {
  let left = limit;
  for (const part of parts) {
    if (left-- === 0) return onCut();
    yield part;
  }
}

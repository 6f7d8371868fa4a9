import { isUtf8 } from 'node:buffer';
import { type Command, Option } from 'commander';
import { type JsonValue, TidemarkError } from '../../base/index.ts';
import type {
  Codec,
  Database,
  KeyEntry,
  KeyRange,
  KeyReader,
  KeyValue,
  KeyVersion,
} from '../../database/index.ts';
import {
  codecOption,
  countArgument,
  type MetadataOptions,
  type MomentOptions,
  metadataOf,
  momentOf,
  withMetadata,
  withMoment,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { parseJson } from '../json.ts';
import { momentText, readAt } from '../moment.ts';

interface ChangeOptions extends MetadataOptions {
  readonly expectedVersion?: number;
}

interface SetOptions extends ChangeOptions {
  readonly base64?: boolean;
  readonly codec?: Codec;
}

interface ScanOptions extends MomentOptions {
  readonly prefix?: string;
  readonly from?: string;
  readonly after?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
  readonly keysOnly?: boolean;
}

const PREFIX = 'only keys that begin so';
const LIMIT = 'at most so many';

/** `keys …`: the key space, now or at a moment. */
export function addKeys(program: Command, contextOf: ContextOf): void {
  const keys = program.command('keys').description('values under keys, beside the tables');
  addChanges(keys, contextOf);
  addReads(keys, contextOf);
}

function addChanges(keys: Command, contextOf: ContextOf): void {
  withVersion(withMetadata(keys.command('set')))
    .description('put a value under a key')
    .argument('<key>')
    .argument('<value>', 'JSON; in a raw store the text itself')
    .addOption(new Option('--base64', 'the value is base64 of its bytes, in a raw store'))
    .addOption(codecOption())
    .action((key: string, text: string, options: SetOptions, command: Command) => {
      const { codec } = options;
      return change(contextOf(command), { codec, done: 'set' }, ({ keys: space }) =>
        space.set(key, valueArgument(text, options, space.codec), changeOf(options)),
      );
    });
  withMetadata(keys.command('batch'))
    .description('put several values, all or none')
    .argument('<pairs...>', 'key=value each, the value as in set')
    .addOption(codecOption())
    .action((pairs: readonly string[], options: SetOptions, command: Command) =>
      batch(contextOf(command), pairs, options),
    );
  withVersion(withMetadata(keys.command('delete')))
    .description('take a key away; its past stays readable')
    .argument('<key>')
    .action((key: string, options: ChangeOptions, command: Command) =>
      change(contextOf(command), { done: 'deleted' }, (database) =>
        database.keys.delete(key, changeOf(options)),
      ),
    );
}

function addReads(keys: Command, contextOf: ContextOf): void {
  withMoment(keys.command('get'))
    .description('show the value under a key')
    .argument('<key>')
    .action((key: string, options: MomentOptions, command: Command) =>
      get(contextOf(command), key, options),
    );
  withMoment(keys.command('scan'))
    .description('show entries in key order')
    .option('--prefix <text>', PREFIX)
    .option('--from <key>', 'the first key, inclusive')
    .option('--after <key>', 'the key to go on behind')
    .option('--to <key>', 'the last key, exclusive')
    .option('--limit <n>', LIMIT, countArgument)
    .option('--reverse', 'from the last key down')
    .option('--keys-only', 'leave out the values')
    .action((options: ScanOptions, command: Command) =>
      listed(contextOf(command), options, (reading) => reading.scan(rangeOf(options))),
    );
  withMoment(keys.command('search'))
    .description('show entries whose key contains a text')
    .argument('<text>')
    .option('--prefix <text>', PREFIX)
    .option('--after <key>', 'the key to go on behind')
    .option('--limit <n>', LIMIT, countArgument)
    .action((q: string, options: ScanOptions, command: Command) => {
      const { prefix, after, limit } = options;
      return listed(contextOf(command), options, (reading) =>
        reading.search({ q, prefix, after, limit }),
      );
    });
  withMoment(keys.command('count'))
    .description('count the keys')
    .option('--prefix <text>', PREFIX)
    .action((options: ScanOptions, command: Command) => count(contextOf(command), options));
  withMoment(keys.command('history'))
    .description('show every version of what lay under a key')
    .argument('<key>')
    .option('--limit <n>', LIMIT, countArgument)
    .option('--reverse', 'newest first')
    .action((key: string, options: ScanOptions, command: Command) =>
      history(contextOf(command), key, options),
    );
}

function withVersion(command: Command): Command {
  return command.option(
    '--expected-version <n>',
    'refuse unless the key is at this version',
    countArgument,
  );
}

function changeOf(options: ChangeOptions) {
  const { expectedVersion } = options;
  return { ...metadataOf(options), ...(expectedVersion === undefined ? {} : { expectedVersion }) };
}

/** @throws VALUE_INVALID if the text is no value of the codec */
function valueArgument(text: string, { base64 = false }: SetOptions, codec: Codec): KeyValue {
  if (codec === 'raw') return base64 ? { $base64: text } : Buffer.from(text);
  const value = parseJson(text);
  if (value !== undefined && !base64) return value as JsonValue;
  throw new TidemarkError(
    'VALUE_INVALID',
    `${JSON.stringify(text.slice(0, 64))} is no value of a ${codec} store; allowed: JSON, such as {"n": 1} or "text"`,
    { codec },
  );
}

async function change(
  context: Context,
  { codec, done }: { readonly codec?: Codec | undefined; readonly done: string },
  work: (database: Database) => ReturnType<Database['keys']['set']>,
): Promise<void> {
  await context.withDatabase({ create: false, codec }, async (database) => {
    const outcome = await work(database);
    const what = outcome.changed ? done : 'nothing to change in';
    context.answer(
      outcome,
      `${what} ${JSON.stringify(outcome.key)}, version ${outcome.version}, at ${momentText(outcome)}`,
    );
  });
}

async function batch(context: Context, pairs: readonly string[], options: SetOptions) {
  const { codec } = options;
  await context.withDatabase({ create: false, codec }, async ({ keys: space }) => {
    const entries = pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) {
        return {
          key: pair.slice(0, at),
          value: valueArgument(pair.slice(at + 1), options, space.codec),
        };
      }
      throw new TidemarkError(
        'ARGUMENT_INVALID',
        `${JSON.stringify(pair.slice(0, 64))} is no pair; allowed: key=value`,
      );
    });
    const outcome = await space.setMany(entries, metadataOf(options));
    context.answer(outcome, `set ${counted(entries.length, 'key')} at ${momentText(outcome)}`);
  });
}

async function get(context: Context, key: string, options: MomentOptions): Promise<void> {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async ({ keys }, moment) => {
      const entry = keys.read(key);
      if (entry === undefined) throw nothingThere(key, momentText(moment));
      context.answer({ ...entryJson(entry), asOf: moment }, valueText(entry.value));
      context.note(`version ${entry.version}, written at ${momentText(entry)}`);
      context.note(`as of ${momentText(moment)}`);
    }),
  );
}

async function listed(
  context: Context,
  options: ScanOptions,
  read: (keys: KeyReader) => Iterable<KeyEntry>,
): Promise<void> {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async ({ keys }, moment) => {
      const shown = await context.list({
        items: read(keys),
        cells: ({ key, value, version }) =>
          options.keysOnly === true ? { key } : { key, value: valueText(value), version },
        json: (entry) =>
          options.keysOnly === true
            ? { key: entry.key, asOf: moment }
            : { ...entryJson(entry), asOf: moment },
      });
      context.note(`${counted(shown, 'key')} as of ${momentText(moment)}`);
    }),
  );
}

async function count(context: Context, options: ScanOptions): Promise<void> {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async ({ keys }, moment) => {
      const { prefix } = options;
      const found = keys.count(prefix === undefined ? undefined : { prefix });
      context.answer({ count: found, asOf: moment }, String(found));
      context.note(`as of ${momentText(moment)}`);
    }),
  );
}

async function history(context: Context, key: string, options: ScanOptions): Promise<void> {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async ({ keys }, moment) => {
      const { limit, reverse = false } = options;
      const shown = await context.list({
        items: keys.history(key, { reverse, ...(limit === undefined ? {} : { limit }) }),
        cells: versionCells,
        json: (version) => ({ key, ...entryJson(version), asOf: moment }),
      });
      if (shown === 0) throw nothingThere(key, momentText(moment));
      context.note(`${counted(shown, 'version')} as of ${momentText(moment)}`);
    }),
  );
}

function versionCells({ version, op, position, time, actor, reason, value }: KeyVersion) {
  const text = value === undefined ? undefined : valueText(value);
  return { version, op, position, time, actor, reason, value: text };
}

function rangeOf({ prefix, from, after, to, limit, reverse }: ScanOptions): KeyRange {
  return { prefix, from, after, to, limit, reverse };
}

function entryJson<T extends { readonly value?: KeyValue }>(entry: T): object {
  const { value } = entry;
  if (!(value instanceof Uint8Array)) return entry;
  return { ...entry, value: { $base64: Buffer.from(value).toString('base64') } };
}

/** Bytes as the text they are, or as base64. */
function valueText(value: KeyValue): string {
  if (!(value instanceof Uint8Array)) return JSON.stringify(value);
  const bytes = Buffer.from(value);
  return isUtf8(bytes) ? bytes.toString('utf8') : `base64:${bytes.toString('base64')}`;
}

function nothingThere(key: string, at: string): TidemarkError {
  return new TidemarkError(
    'KEY_NOT_FOUND',
    `there is nothing under the key ${JSON.stringify(key)} as of ${at}`,
    { key },
  );
}

/** What stands on the command line, made into what the store takes. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type JsonObject, TidemarkError } from '../base/index.ts';
import {
  Codec,
  type CommitMetadata,
  type KeyType,
  type RowKey,
  type Where,
} from '../database/index.ts';
import { isJsonObject, parseJson } from './json.ts';

/** A moment by its position or by its time, as `Database.asOf` takes it. */
export type Moment = { readonly position: number } | { readonly time: string };

export interface MomentOptions {
  readonly asOf?: string;
  readonly atPosition?: number;
}

export interface MetadataOptions {
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly idempotencyKey?: string;
  readonly field?: Readonly<Record<string, string>>;
}

export function withMoment(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--as-of <time>',
        'read the store as it was at a time (ISO-8601 with an offset)',
      ).conflicts('atPosition'),
    )
    .addOption(
      new Option(
        '--at-position <n>',
        'read the store as it was at a position of the log',
      ).argParser(positionArgument),
    );
}

export function momentOf(options: MomentOptions): Moment | undefined {
  if (options.asOf !== undefined) return { time: options.asOf };
  return options.atPosition === undefined ? undefined : { position: options.atPosition };
}

/** A whole number is a position, everything else a time. */
export function momentArgument(text: string): Moment {
  return /^\d+$/.test(text) ? { position: positionArgument(text) } : { time: text };
}

export function withMetadata(command: Command): Command {
  return withSharedMetadata(command).option(
    '--idempotency-key <key>',
    'makes a repeated command change nothing',
  );
}

/** What several commits can share. */
export function withSharedMetadata(command: Command): Command {
  return command
    .option('--actor <name>', 'who makes the change; kept in the log')
    .option('--reason <text>', 'why; kept in the log')
    .option('--correlation-id <id>', 'what the change belongs to; kept in the log')
    .option('--field <name=value>', 'further metadata; may be given several times', fieldArgument);
}

export function metadataOf(options: MetadataOptions): CommitMetadata {
  const { actor, reason, correlationId, idempotencyKey, field } = options;
  return { actor, reason, correlationId, idempotencyKey, fields: field };
}

/** @throws POSITION_INVALID */
export function positionArgument(text: string): number {
  const position = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new TidemarkError(
    'POSITION_INVALID',
    `${JSON.stringify(text)} is not a position; allowed: a whole number from 0 up`,
    { position: text },
  );
}

/** For what may be the first value of a store, with which its codec is recorded. */
export function codecOption(): Option {
  return new Option(
    '--codec <codec>',
    'how values and documents are written, from the first one on',
  ).choices(Object.values(Codec));
}

/** A count: a whole number from 1 up. Anything else is a usage error. */
export function countArgument(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1 up.');
  }
  return count;
}

/** @throws KEY_TYPE if the table has integer keys and `text` is not one */
export function keyArgument(text: string, keyType: KeyType): RowKey {
  if (keyType !== 'integer') return text;
  const key = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(key)) return key;
  throw new TidemarkError(
    'KEY_TYPE',
    `${JSON.stringify(text)} is not a key of this table; its keys are integers`,
    { key: text, keyType },
  );
}

/** @throws ROW_INVALID if `text` is not a JSON object */
export function rowArgument(text: string): JsonObject {
  const row = parseJson(text);
  if (isJsonObject(row)) return row;
  throw new TidemarkError(
    'ROW_INVALID',
    `${JSON.stringify(text.slice(0, 64))} is not a row; a row is a JSON object such as {"name": "Ana"}`,
  );
}

/** What is wrong with it beyond its being an object, the query says. @throws QUERY_INVALID */
export function whereArgument(text: string): Where {
  const where = parseJson(text);
  if (isJsonObject(where)) return where as Where;
  throw new TidemarkError(
    'QUERY_INVALID',
    `${JSON.stringify(text.slice(0, 64))} is no where; a where is a JSON object such as {"city": "Recife"}`,
  );
}

function fieldArgument(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must read name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

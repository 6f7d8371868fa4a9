/** Random schedules of what can be done to a database. All plain data: a failing run can be read. */
import fc from 'fast-check';
import type { JsonObject } from '../../base/index.ts';
import type { CommitMetadata, RowKey } from '../../database/index.ts';

export const TABLES = {
  words: { primaryKey: 'id', keyType: 'string' },
  numbers: { primaryKey: 'n', keyType: 'integer' },
  notes: { keyType: 'integer' },
} as const;
export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = ['words', 'numbers', 'notes'] as const;

/** Keys that sort otherwise as UTF-16 than as UTF-8, prefixes of each other, and empty. */
const WORDS = ['', 'a', 'a\0', 'a\0b', 'ab', 'ä', '\uffff', '😀'] as const;
const NUMBERS = [-(2 ** 53) + 1, -300, -1, 0, 1, 255, 256, 2 ** 40] as const;
const NOTES = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const POOL = { words: WORDS, numbers: NUMBERS, notes: NOTES } as const;
const KEYS_EACH = 8;

export interface Change {
  readonly table: TableName;
  readonly op: 'insert' | 'update' | 'replace' | 'upsert' | 'delete';
  /** Index into the pool of keys. */
  readonly key: number;
  readonly value: number;
  readonly expectedVersion?: number | undefined;
  readonly slip?: 'key type' | 'other key' | undefined;
}

export interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly reverse: boolean;
  readonly limit?: number | undefined;
}

export interface Question {
  readonly table: TableName;
  readonly key: number;
  /** Any number: the moments there are, counted round. */
  readonly moments: readonly [number, number];
  readonly mode: 'position' | 'inside' | 'time' | 'before';
  readonly range: Range;
  /** Which conditions a query of the log or a diff has, bit by bit. */
  readonly conditions: number;
}

export type Step =
  | { readonly kind: 'change'; readonly change: Change; readonly by: number }
  | { readonly kind: 'insertMany'; readonly rows: readonly Change[]; readonly by: number }
  | { readonly kind: 'together'; readonly rows: readonly Change[] }
  | {
      readonly kind: 'transact';
      readonly changes: readonly Change[];
      readonly fails: boolean;
      readonly by: number;
    }
  | {
      readonly kind: 'interactive';
      readonly changes: readonly Change[];
      readonly walk: Question | undefined;
      readonly meanwhile: readonly Change[];
      readonly drops: TableName | undefined;
      readonly commits: boolean;
      readonly by: number;
    }
  | { readonly kind: 'table'; readonly table: TableName; readonly drops: boolean }
  | {
      readonly kind: 'restore';
      readonly table: TableName;
      readonly keys: readonly number[] | undefined;
      readonly moment: number;
      readonly by: number;
    }
  | {
      readonly kind: 'undo';
      /** Commits back from the newest. */
      readonly back: number;
      readonly overwrite: boolean;
      readonly by: number;
    }
  | { readonly kind: 'snapshot'; readonly releases: number | undefined }
  | { readonly kind: 'flush' | 'compact' | 'restart' }
  | { readonly kind: 'clock'; readonly jumpMicros: number }
  | { readonly kind: 'past' | 'diff' | 'log'; readonly question: Question };

export function keyOf({ table, key }: Pick<Change, 'table' | 'key'>): RowKey {
  return POOL[table][key]!;
}

export function keysOf(table: TableName): readonly RowKey[] {
  return POOL[table];
}

/** The row that a change brings, with the slip it makes. */
export function rowOf(change: Change): JsonObject {
  const columns = { value: change.value, text: 'x'.repeat(change.value * 40) };
  if (change.table === 'notes') return columns;
  const { primaryKey } = TABLES[change.table];
  const key = keyOf(change);
  if (change.slip === 'key type') return { ...columns, [primaryKey]: wrongType(key) };
  if (change.slip === 'other key' && change.op !== 'insert' && change.op !== 'upsert') {
    return { ...columns, [primaryKey]: keyOf({ ...change, key: (change.key + 1) % KEYS_EACH }) };
  }
  return { ...columns, [primaryKey]: key };
}

/** The columns that an update sets. */
export function columnsOf(change: Change): JsonObject {
  return change.slip === 'other key' ? rowOf(change) : { value: change.value };
}

export function wrongType(key: RowKey): RowKey {
  return typeof key === 'string' ? 7 : String(key);
}

/** Who commits: few names, so that they come again. */
export function metadataOf(by: number): CommitMetadata {
  return {
    ...(by & 1 ? { actor: by & 4 ? 'ana' : 'bo' } : {}),
    ...(by & 2 ? { correlationId: `c${by % 3}`, fields: { by } } : {}),
    ...(by & 8 ? { reason: `because of ${by}` } : {}),
  };
}

const tableName = fc.constantFrom(...TABLE_NAMES);
const keyIndex = fc.nat({ max: KEYS_EACH - 1 });
const by = fc.nat({ max: 15 });
const rarely = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 6, nil: undefined });

const change: fc.Arbitrary<Change> = fc.record({
  table: tableName,
  op: fc.constantFrom('insert', 'insert', 'update', 'replace', 'upsert', 'upsert', 'delete'),
  key: keyIndex,
  value: fc.nat({ max: 3 }),
  expectedVersion: fc.option(fc.nat({ max: 3 }), { freq: 4, nil: undefined }),
  slip: fc.option(fc.constantFrom('key type', 'other key'), { freq: 8, nil: undefined }),
});

/** Changes that cannot fail as long as the tables are there. */
const sureChange: fc.Arbitrary<Change> = fc.record({
  table: tableName,
  op: fc.constant('upsert'),
  key: keyIndex,
  value: fc.nat({ max: 3 }),
});

const range: fc.Arbitrary<Range> = fc.record({
  from: fc.option(keyIndex, { nil: undefined }),
  to: fc.option(keyIndex, { nil: undefined }),
  reverse: fc.boolean(),
  limit: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
});

const question: fc.Arbitrary<Question> = fc.record({
  table: tableName,
  key: keyIndex,
  moments: fc.tuple(fc.nat({ max: 10_000 }), fc.nat({ max: 10_000 })),
  mode: fc.constantFrom('position', 'inside', 'time', 'before'),
  range,
  conditions: fc.nat({ max: 1023 }),
});

const changes = (of: fc.Arbitrary<Change>, max: number) =>
  fc.array(of, { minLength: 1, maxLength: max });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('change'), change, by }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('insertMany'), rows: changes(sureChange, 6), by }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('together'), rows: changes(sureChange, 8) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('transact'),
      changes: changes(change, 8),
      fails: fc.nat({ max: 4 }).map((n) => n === 0),
      by,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('interactive'),
      changes: changes(change, 4),
      walk: fc.option(question, { freq: 2, nil: undefined }),
      meanwhile: fc.array(change, { maxLength: 2 }),
      drops: rarely(tableName),
      commits: fc.nat({ max: 4 }).map((n) => n > 0),
      by,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('table'), table: tableName, drops: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('restore'),
      table: tableName,
      keys: fc.option(fc.array(keyIndex, { maxLength: 3 }), { nil: undefined }),
      moment: fc.nat({ max: 10_000 }),
      by,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('undo'),
      back: fc.nat({ max: 6 }),
      overwrite: fc.boolean(),
      by,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('snapshot'), releases: rarely(fc.nat()) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('flush', 'compact', 'restart') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock'),
      jumpMicros: fc.integer({ min: -5_000_000, max: 5_000_000 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constantFrom('past', 'diff', 'log'), question }),
  },
);

export const schedule: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 15, maxLength: 70 });

/**
 * Rows, queries and orders drawn by a seed, and what a query means, said once more and differently:
 * a filter over the whole table, and a sort.
 */
import type { JsonObject, JsonValue } from '../../base/index.ts';
import { type IndexShape, type Order, tokensOf, type Where } from '../../query/index.ts';
import type { RowKey } from '../../storage/index.ts';
import { SeededRandom } from './seeded-random.ts';

/** Indexes of every kind over the rows that are drawn. */
export const INDEX_SHAPES: readonly IndexShape[] = [
  { on: 'a' },
  { on: 'a', type: 'equality' },
  { on: 'b' },
  { on: ['a', 'b'] },
  { on: ['b', 'a', 'c'] },
  { on: ['$.c', 'a'], type: 'equality' },
  { on: 'tags', each: true },
  { on: 'text', type: 'text' },
  { on: 'c' },
];

/** A table, by key. */
export type Rows = ReadonlyMap<RowKey, JsonObject>;

/** All from one seed. */
export class Choices {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  scalar(): string | number | boolean | null {
    return this.#random.pick([
      0,
      1,
      2,
      3,
      1.5,
      -1,
      'x',
      'xy',
      'y',
      '',
      'x\0',
      '\u{1F600}',
      '\uffee',
      true,
      null,
    ]);
  }

  value(): JsonValue | undefined {
    const kind = this.#random.below(12);
    if (kind === 0) return undefined;
    if (kind === 1) return [this.scalar(), this.scalar()];
    return kind === 2 ? { deep: 1 } : this.scalar();
  }

  words(): string {
    return Array.from({ length: this.#random.below(4) }, () =>
      this.#random.pick(['Café', 'cafe', 'cat', 'dog', 'DOGMA']),
    ).join(' ');
  }

  row(id: string): JsonObject {
    const tags = Array.from({ length: this.#random.below(4) }, () => this.scalar());
    const text = this.#random.chance(0.2) ? this.value() : this.words();
    return { id, a: this.value(), b: this.value(), c: this.value(), tags, text };
  }

  where(depth = 0): Where {
    const where: Record<string, Where[keyof Where]> = {};
    for (let i = this.#random.below(3); i >= 0; i--) {
      where[this.#random.pick(['a', 'b', '$.c', 'id', 'tags', 'text'])] = this.#operand();
    }
    for (const name of ['tags', 'text', 'id'] as const) {
      if (name in where) where[name] = this.#operandOn(name);
    }
    if (depth < 2 && this.#random.chance(0.3)) where.$or = this.#branches(depth);
    if (depth < 2 && this.#random.chance(0.15)) where.$and = this.#branches(depth);
    if (depth < 2 && this.#random.chance(0.2)) where.$not = this.where(depth + 1);
    return where as Where;
  }

  order(): Order | undefined {
    if (this.#random.chance(0.3)) return undefined;
    const reverse = this.#random.chance(0.5);
    const names = this.#random.pick([
      ['a'],
      ['b'],
      ['id'],
      ['a', 'b'],
      ['b', 'a', 'c'],
      ['a', 'c'],
      ['c'],
    ]);
    return names.map((by) => ({ by, reverse }));
  }

  some<T>(all: readonly T[]): T[] {
    return all.filter(() => this.#random.chance(0.6));
  }

  pick<T>(all: readonly T[]): T {
    return this.#random.pick(all);
  }

  key(): string {
    return this.#random.pick(['a', 'b', 'a\0b', 'ab', 'c', 'd', 'e', 'f', 'g', 'h', 'é', '']);
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  #branches(depth: number): Where[] {
    return Array.from({ length: 1 + this.#random.below(3) }, () => this.where(depth + 1));
  }

  #operandOn(name: 'tags' | 'text' | 'id') {
    if (name === 'tags') return { contains: this.scalar() };
    if (name === 'text')
      return { match: this.#random.pick(['cafe', 'ca*', 'dog cat', 'do* CAFÉ', 'dog*']) };
    const [low, high] = [this.key(), this.key()];
    return this.#random.pick([
      low,
      { in: [low, high, 3] },
      { gte: low, lt: high },
      { gt: low },
      { lte: high },
      { prefix: low },
    ]);
  }

  #operand() {
    const bound = () => this.#random.pick([0, 1, 1.5, 2, -1]);
    const text = () => this.#random.pick(['x', 'xy', '', 'x\0', '\u{1F600}']);
    return this.#random.pick([
      this.scalar(),
      { in: [this.scalar(), this.scalar()] },
      { in: [] },
      { gt: bound() },
      { gte: bound(), lt: bound() },
      { gt: text(), lte: text() },
      { lt: text() },
      { prefix: text() },
      { prefix: text(), lt: text() },
      { eq: this.scalar(), gte: 1 },
    ]);
  }
}

/** What a where means, said once more and differently. */
function holds(where: Where, row: JsonObject): boolean {
  return Object.entries(where).every(([name, asked]) => {
    if (name === '$and') return (asked as Where[]).every((each) => holds(each, row));
    if (name === '$or') return (asked as Where[]).some((each) => holds(each, row));
    if (name === '$not') return !holds(asked as Where, row);
    const value = row[name.replace('$.', '')];
    const operators = typeof asked === 'object' && asked !== null ? asked : { eq: asked };
    return Object.entries(operators).every(([operator, operand]) =>
      operatorHolds(operator, operand as never, value),
    );
  });
}

const bytes = (text: string) => Buffer.from(text, 'utf8').toString('hex');

function operatorHolds(
  operator: string,
  operand: JsonValue,
  value: JsonValue | undefined,
): boolean {
  if (operator === 'contains')
    return Array.isArray(value) && value.some((each) => each === operand);
  if (operator === 'match') {
    const texts = Array.isArray(value) ? value : [value];
    const words = texts.flatMap((text) => (typeof text === 'string' ? tokensOf(text) : []));
    return String(operand)
      .split(' ')
      .every((word) =>
        word.endsWith('*')
          ? words.some((each) => each.startsWith(tokensOf(word)[0]!))
          : words.includes(tokensOf(word)[0]!),
      );
  }
  if (operator === 'in') return (operand as JsonValue[]).some((each) => each === value);
  if (operator === 'eq') return operand === value;
  if (typeof value !== typeof operand) return false;
  if (operator === 'prefix') return String(value).startsWith(String(operand));
  const isText = typeof operand === 'string';
  const [a, b] = isText ? [bytes(String(value)), bytes(operand)] : [Number(value), Number(operand)];
  return { lt: a < b, lte: a <= b, gt: a > b, gte: a >= b }[operator]!;
}

const KINDS = ['undefined', 'null', 'boolean', 'number', 'string', 'object'];

function orderOfValues(a: JsonValue | undefined, b: JsonValue | undefined): number {
  const [kindA, kindB] = [a, b].map((value) => (value === null ? 'null' : typeof value));
  if (kindA !== kindB) return KINDS.indexOf(kindA!) - KINDS.indexOf(kindB!);
  if (typeof a === 'string' && typeof b === 'string')
    return bytes(a) < bytes(b) ? -1 : Number(a !== b);
  return kindA === 'object' || kindA === 'undefined' ? 0 : Number(a) - Number(b);
}

/** The keys that a query finds, in the order it says it has: `$key`, or paths of one name. */
export function expected(
  rows: Rows,
  where: Where,
  order: readonly { readonly by: string; readonly reverse: boolean }[],
): RowKey[] {
  const names = order.map(({ by }) => by.replace('$.', '')).filter((name) => name !== '$key');
  const found = [...rows].filter(([, row]) => holds(where, row));
  found.sort(([keyA, a], [keyB, b]) => {
    for (const name of names) {
      const difference = orderOfValues(a[name], b[name]);
      if (difference !== 0) return difference;
    }
    return orderOfValues(keyA, keyB);
  });
  if (order[0]!.reverse) found.reverse();
  return found.map(([key]) => key);
}

/** Holds indexes against the log, and what is found by them against a filter over the model. */
import { strict as check } from 'node:assert';
import type { Database, FindQuery, JsonObject, Where } from '../../database/index.ts';
import { type IndexDefinition, tokensOf } from '../../query/index.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { Model, ModelTable } from './model.ts';
import { readyIndexes } from './model-indexes.ts';
import { same } from './session.ts';

/** Every index is what its table's history gives. */
export async function checkIndexes(database: Database, model: Model): Promise<void> {
  for (const table of model.ownTables()) {
    const rows = model.rowsAt(table, model.position).length;
    for (const { name, each } of readyIndexes(table.definition)) {
      const { problems, postings } = await database.checkIndex(name);
      same(problems, [], `problems of index ${name}`);
      if (!each) check.equal(postings, rows, `postings of index ${name}`);
    }
  }
}

/** Asks for rows by each index that is ready, of the present and of a moment of the past. */
export function checkFinds(
  database: Database,
  model: Model,
  readable: readonly ModelTable[],
  random: SeededRandom,
): void {
  for (const table of readable) {
    const { id, name, definition } = table;
    for (const index of readyIndexes(definition)) {
      const { where, fits } = question(index, table, random);
      const query: FindQuery = { where, limit: 10_000 };
      const found = (rows: readonly { key: unknown; row: JsonObject }[]) =>
        rows.map(({ key, row }) => `${key} ${row.text}`).sort();
      const expected = (position: number) =>
        found(model.rowsAt(table, position).filter(({ row }) => fits(row)));
      const what = `rows of ${name} found by ${index.name} where ${JSON.stringify(where)}`;
      same(found(database.table(name).find(query).rows), expected(model.position), what);
      const position = model.boundaryAt(random.between(0, model.position));
      if (!model.definitionsAt(position).some((then) => then.id === id)) continue;
      using view = database.asOf({ position });
      same(found(view.table(name).find(query).rows), expected(position), `${what} at ${position}`);
    }
  }
}

interface Question {
  readonly where: Where;
  readonly fits: (row: JsonObject) => boolean;
}

/** About a value that some row has or had. */
function question(index: IndexDefinition, table: ModelTable, random: SeededRandom): Question {
  const versions = [...table.versions.values()].flat().filter(({ row }) => row !== undefined);
  const row: JsonObject = versions.length === 0 ? {} : random.pick(versions).row!;
  const [amount, text] = [Number(row.amount ?? 0), String(row.text ?? '')];
  if (index.type === 'text') {
    const [word = 'none'] = tokensOf(text);
    return { where: { text: { match: word } }, fits: (each) => wordsOf(each).includes(word) };
  }
  if (index.unique) return { where: { text }, fits: (each) => each.text === text };
  if (index.on.length > 1) {
    return {
      where: { amount, text },
      fits: (each) => each.amount === amount && each.text === text,
    };
  }
  if (index.type === 'equality' || random.chance(0.5)) {
    return { where: { amount }, fits: (each) => each.amount === amount };
  }
  const to = amount + random.below(100);
  return {
    where: { amount: { gte: amount, lt: to } },
    fits: (each) => Number(each.amount) >= amount && Number(each.amount) < to,
  };
}

function wordsOf({ text }: JsonObject): string[] {
  return tokensOf(String(text));
}

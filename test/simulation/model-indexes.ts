/** What declaring, building and dropping indexes makes of a table's definition, said once more. */
import type { TableDefinition } from '../../database/index.ts';
import { defineIndex, type IndexDefinition, type IndexShape } from '../../query/index.ts';

/** @param isEmpty whether the table never had a row: then there is nothing to build */
export function withIndex(
  definition: TableDefinition,
  id: number,
  name: string,
  shape: IndexShape,
  isEmpty: boolean,
): TableDefinition {
  const state = isEmpty ? 'ready' : 'building';
  const added: IndexDefinition = { ...defineIndex(id, name, shape), state };
  return withIndexes(definition, [...indexesOf(definition), added]);
}

/** The index of this name is to be built again; an attempt that did not get to its end is given up. */
export function withReplacement(
  definition: TableDefinition,
  id: number,
  name: string,
): TableDefinition {
  const replaced = indexesOf(definition).find((index) => index.name === name)!;
  const kept = indexesOf(definition).filter(({ replaces }) => replaces !== replaced.id);
  return withIndexes(definition, [
    ...kept,
    { ...replaced, id, state: 'building', replaces: replaced.id },
  ]);
}

export function withoutIndex(definition: TableDefinition, name: string): TableDefinition {
  return withIndexes(
    definition,
    indexesOf(definition).filter((index) => index.name !== name),
  );
}

/** What the end of each of its builds would make of it. */
export function built(definition: TableDefinition): TableDefinition[] {
  const building = indexesOf(definition).filter(({ state }) => state === 'building');
  return building.map(({ replaces, ...index }) =>
    withIndexes(
      definition,
      indexesOf(definition)
        .filter(({ id }) => id !== replaces)
        .map((each) => (each.id === index.id ? { ...index, state: 'ready' } : each)),
    ),
  );
}

export function indexesOf({ indexes = [] }: TableDefinition): readonly IndexDefinition[] {
  return indexes;
}

/** Those that questions are answered from. */
export function readyIndexes(definition: TableDefinition): IndexDefinition[] {
  return indexesOf(definition).filter(({ state }) => state === 'ready');
}

function withIndexes(
  { indexes: _, ...others }: TableDefinition,
  indexes: readonly IndexDefinition[],
): TableDefinition {
  return indexes.length === 0 ? others : { ...others, indexes };
}

/**
 * The tables there are. Definitions live in the log like any row; this is their compiled form in
 * memory, as of the newest appended commit, pending ones included: what is appended after a
 * definition is in the log after it.
 */
import { isPlainObject, isTidemarkError, type JsonObject, TidemarkError } from '../base/index.ts';
import { CATALOG_TABLE, type EventStore, Keyspace } from '../eventlog/index.ts';
import { type Extractor, type IndexDefinition, indexesOf, TableIndexes } from '../query/index.ts';
import {
  decodeRowKey,
  Engine,
  type KeyspaceStore,
  KeyType,
  Operation,
  parseRow,
  type RowTable,
} from '../storage/index.ts';
import { Codec, isCodec } from './codec.ts';
import { type KeyTable, keyTableOf } from './key-table.ts';
import { compileRowCheck } from './row-schema.ts';
import { CATALOG, rowTableOf, type TableDefinition, TableKind } from './table-definition.ts';

export interface CatalogTable extends RowTable {
  readonly definition: TableDefinition;
  readonly indexes: TableIndexes | undefined;
}

/** An index, and the table it is of. */
export interface CatalogIndex {
  readonly table: CatalogTable;
  readonly definition: IndexDefinition;
}

export class Catalog {
  readonly #tables = new Map<string, CatalogTable>();
  /** Names of all tables that ever were, by id: the log speaks of dropped ones, too. */
  readonly #names = new Map<number, string>([[CATALOG.id, CATALOG.name]]);
  readonly #store: KeyspaceStore;
  readonly #events: EventStore;
  readonly #extractors: readonly Extractor[];
  /** Position of the newest change of the catalog, pending ones included. */
  #changedAt = 0;
  /** The same of each table that ever was, by name. */
  #changes = new Map<string, number>();
  /** Why the names of dropped tables are not known, if they are not. */
  #damage: TidemarkError | undefined;

  readonly #codecAsked: Codec | undefined;
  #keys: KeyTable;

  /**
   * @param extractors what indexes may need
   * @throws CODEC_MISMATCH if the database was written with another codec than the one asked for
   */
  constructor(
    store: KeyspaceStore,
    events: EventStore,
    {
      codec: codecAsked,
      extractors = [],
    }: {
      readonly codec?: Codec | undefined;
      readonly extractors?: readonly Extractor[];
    } = {},
  ) {
    this.#store = store;
    this.#events = events;
    this.#extractors = extractors;
    this.#codecAsked = codecAsked;
    this.#keys = keyTableOf(codecAsked ?? Codec.json);
    this.#load();
    const { codec } = this.#keys;
    if (codecAsked !== undefined && codec !== codecAsked) throw mismatch(codecAsked, codec);
    // What was pending will never be: the tables are again those that readers see.
    events.onPoisoned(() => this.#reload());
  }

  /** If the log cannot be read any more, what was known is all there is. */
  #reload(): void {
    const known = [...this.#tables];
    const changedAt = this.#changedAt;
    const changes = this.#changes;
    try {
      this.#load();
    } catch (error) {
      this.#tables.clear();
      for (const [name, table] of known) this.#tables.set(name, table);
      this.#changedAt = changedAt;
      this.#changes = changes;
      throw error;
    }
  }

  #load(): void {
    this.#tables.clear();
    this.#changes = new Map();
    this.#keys = keyTableOf(this.#codecAsked ?? Codec.json);
    this.#changedAt = this.#events.head.position;
    try {
      this.#readLog(this.#events);
    } catch (error) {
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      // The tables of now stand in a keyspace of their own; with them all else stays readable.
      this.#damage = error;
      this.#tables.clear();
      const engine = new Engine(this.#store.published.keyspace(Keyspace.catalog));
      for (const { row } of engine.scan(CATALOG)) this.put(definitionOf(row));
    }
  }

  /** @throws TABLE_UNKNOWN */
  table(name: string): CatalogTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw unknownTable(name, [...this.#tables.keys()]);
    return table;
  }

  /** The key space, declared yet or not. */
  get keys(): KeyTable {
    return this.#keys;
  }

  has(name: string): boolean {
    return this.#tables.has(name);
  }

  /** Whether the tables at a position were those of now: then nothing need be read to know them. */
  isUnchangedSince(position: number): boolean {
    return this.#changedAt <= position;
  }

  /** As `isUnchangedSince`, of one table: that others came and went later is no matter for it. */
  isTableUnchangedSince(name: string, position: number): boolean {
    return (this.#changes.get(name) ?? this.#changedAt) <= position;
  }

  /** In order of their names. */
  definitions(): TableDefinition[] {
    return [...this.#tables.values()]
      .map((table) => table.definition)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws CORRUPTION if the table was dropped and the history of the catalog is damaged */
  nameOf(id: number): string {
    const name = this.#names.get(id);
    if (name === undefined && this.#damage !== undefined) throw this.#damage;
    return name ?? `#${id}`;
  }

  /** Ids of all tables that ever had this name, dropped ones included. @throws TABLE_UNKNOWN, CORRUPTION */
  idsNamed(name: string): number[] {
    if (this.#damage !== undefined) throw this.#damage;
    const ids = [...this.#names].filter(([, each]) => each === name).map(([id]) => id);
    if (ids.length === 0) throw unknownTable(name, [...this.#tables.keys()]);
    return ids;
  }

  /** Of all tables that ever were, the catalog's own included; undefined if not all are known. */
  ids(): number[] | undefined {
    return this.#damage === undefined ? [...this.#names.keys()] : undefined;
  }

  /** Indexes of a name: one, or two while one is built in the place of the other. */
  indexesNamed(name: string): CatalogIndex[] {
    return this.indexes().filter(({ definition }) => definition.name === name);
  }

  /** In the order in which they were made. */
  indexes(): CatalogIndex[] {
    return [...this.#tables.values()]
      .flatMap((table) =>
        (table.definition.indexes ?? []).map((definition) => ({ table, definition })),
      )
      .sort((a, b) => a.definition.id - b.definition.id);
  }

  /** @throws SCHEMA_INVALID */
  compile(definition: TableDefinition): CatalogTable {
    return compileTable(definition, this.#extractors);
  }

  put(definition: TableDefinition): void {
    const table = this.compile(definition);
    this.#tables.set(definition.name, table);
    if (definition.kind === TableKind.keys) {
      const { indexes } = table;
      this.#keys = { ...keyTableOf(definition.codec ?? Codec.json), indexes };
    }
    this.#names.set(definition.id, definition.name);
    this.#changed(definition.name, this.#events.appendedPosition);
  }

  remove(name: string): void {
    this.#tables.delete(name);
    this.#changed(name, this.#events.appendedPosition);
  }

  #changed(name: string, position: number): void {
    this.#changes.set(name, position);
    this.#changedAt = position;
  }

  #readLog(events: EventStore): void {
    const { position } = events.head;
    const logged = events.reader().events({ from: 1, to: position, tables: [CATALOG_TABLE] });
    for (const { event } of logged) {
      const name = String(decodeRowKey(event.encodedKey));
      if (event.row.operation === Operation.delete) this.remove(name);
      else this.put(definitionOf(parseRow(event.row)));
      this.#changed(name, event.row.position);
    }
  }
}

function mismatch(asked: Codec, codec: Codec): TidemarkError {
  return new TidemarkError(
    'CODEC_MISMATCH',
    `the database was written with codec ${codec}, not ${asked}; allowed: ${codec}, or no codec at all`,
    { asked, codec },
  );
}

/** @throws SCHEMA_INVALID */
export function compileTable(
  definition: TableDefinition,
  extractors: readonly Extractor[] = [],
): CatalogTable {
  const check = compileRowCheck(definition.name, definition.schema);
  const indexes =
    definition.indexes && new TableIndexes(definition.name, definition.indexes, extractors);
  return { ...rowTableOf(definition, check), definition, indexes };
}

/** The table of a name in a past catalog; rows there were checked when they were written. */
export function tableIn(engine: Engine, name: string): TableDefinition | undefined {
  const state = engine.readRow(CATALOG, name);
  return state && definitionOf(state.row);
}

/** A catalog row was built by `defineTable`: its members are those of a definition. */
export function definitionOf(row: JsonObject): TableDefinition {
  const { id, name, keyType, primaryKey, schema, kind, codec, schemaVersion } = row;
  const indexes = indexesOf(row);
  return {
    id: Number(id),
    name: String(name),
    keyType: keyTypeOf(keyType),
    schemaVersion: Number(schemaVersion),
    ...(typeof primaryKey === 'string' ? { primaryKey } : {}),
    ...(isPlainObject(schema) ? { schema: schema as JsonObject } : {}),
    ...(kind === TableKind.keys || kind === TableKind.collection ? { kind } : {}),
    ...(isCodec(codec) ? { codec } : {}),
    ...(indexes.length > 0 ? { indexes } : {}),
  };
}

function keyTypeOf(value: unknown): KeyType {
  if (value === KeyType.integer || value === KeyType.bytes) return value;
  return KeyType.string;
}

export function unknownTable(name: string, known: readonly string[]): TidemarkError {
  const shown = known.length === 0 ? 'there are none yet' : `there are: ${known.join(', ')}`;
  return new TidemarkError('TABLE_UNKNOWN', `there is no table ${JSON.stringify(name)}; ${shown}`, {
    table: name,
  });
}

import { join } from 'node:path';
import { afterEach } from 'vitest';
import { Database, type DatabaseOptions } from '../../database/index.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** So small that a handful of rows makes the store flush, merge and roll its log. */
export const TINY = {
  memtableBytes: 2048,
  blockCacheBytes: 16 * 1024,
  segmentBytes: 4096,
  durability: 'os',
} as const satisfies DatabaseOptions;

export interface Databases {
  /** A directory that no database is in yet. */
  readonly directory: () => string;
  readonly memory: (options?: DatabaseOptions) => Promise<Database>;
  /** With options of {@link TINY} where `options` does not say otherwise. */
  readonly open: (directory: string, options?: DatabaseOptions) => Promise<Database>;
}

/** Opens databases for the tests of a file and closes them after each. */
export function databases(): Databases {
  const root = temporaryDirectory();
  const opened: Database[] = [];
  let directories = 0;
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });
  const kept = (database: Database): Database => {
    opened.push(database);
    return database;
  };
  return {
    directory: () => join(root, `database-${directories++}`),
    memory: async (options) => kept(await Database.memory(options)),
    open: async (directory, options) =>
      kept(await Database.open(directory, { ...TINY, ...options })),
  };
}

/** A new database of each kind, for what must hold on all of them. */
export const KINDS: Readonly<
  Record<string, (all: Databases, options?: DatabaseOptions) => Promise<Database>>
> = {
  'in memory': (all, options) => all.memory(options),
  'in a directory': (all, options) => all.open(all.directory(), options),
};

import { join } from 'node:path';
import { type Files, isTidemarkError } from '../../base/index.ts';
import type { Damage, KeyspaceDefinition } from '../keyspace-store.ts';
import { tableNumber } from './manifest-format.ts';
import type { ManifestState } from './manifest-state.ts';
import type { Table } from './table.ts';
import type { TableFiles } from './table-files.ts';
import type { Version } from './version.ts';

export interface CheckedStore {
  readonly fileSystem: Files;
  readonly files: TableFiles;
  readonly keyspaces: readonly KeyspaceDefinition[];
  readonly state: ManifestState;
  /** Held by the caller: what the state consists of, and its pins. */
  readonly versions: readonly Version[];
}

type Report = (offset: number, reason: string) => void;

/** Reads every table of some versions, and compares the directory with them. */
export async function checkTables(
  store: CheckedStore,
  damagesMax: number,
): Promise<readonly Damage[]> {
  const { files, state } = store;
  const names = store.fileSystem.list(files.directory);
  const damages = strangers(names, files);
  const present = new Set(names.map(tableNumber));
  for (const table of new Set(store.versions.flatMap((version) => [...version.tables()]))) {
    if (damages.length >= damagesMax) break;
    const { number, keyspace, smallest, largest } = table.facts;
    const name = store.keyspaces.find(({ id }) => id === keyspace)?.name ?? '';
    const pins = [...state.pins.values()]
      .filter((pin) => pin.tables.some((pinned) => pinned.number === number))
      .map((pin) => pin.name);
    const isPresent = state.tables.get(number)?.level !== undefined;
    const about = { smallest, largest, isPresent, pins };
    const report: Report = (offset, reason) => {
      damages.push({ file: files.path(number), offset, reason, keyspace: name, table: about });
    };
    if (!present.has(number)) report(0, 'the file is missing');
    else await checkTable(table, report);
  }
  return damages.slice(0, damagesMax);
}

/** Files that the store did not make. Those of tables that it lets go, or writes, have its numbers. */
function strangers(names: readonly string[], files: TableFiles): Damage[] {
  return names
    .filter((name) => (tableNumber(name) ?? files.nextNumber) >= files.nextNumber)
    .map((name) => ({
      file: join(files.directory, name),
      offset: 0,
      reason: 'the file is not one of the store',
      keyspace: '',
    }));
}

async function checkTable(table: Table, report: Report): Promise<void> {
  const { facts, reader } = table;
  let damaged = false;
  const reportDamage: Report = (offset, reason) => {
    damaged = true;
    report(offset, reason);
  };
  try {
    await reader.check(reportDamage);
    const { entries, tombstones } = reader.footer();
    if (damaged || (entries === facts.entries && tombstones === facts.tombstones)) return;
    report(0, `the file is not the table that the manifest names: ${entries} entries`);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    const { offset, reason } = error.data;
    if (!damaged) report(typeof offset === 'number' ? offset : 0, String(reason ?? error.message));
  }
}

import { isTidemarkError } from '../../base/index.ts';
import type { Damage } from '../keyspace-store.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import { tableNumber } from './manifest-format.ts';
import type { Table } from './table.ts';
import type { TableFiles } from './table-files.ts';
import type { Version } from './version.ts';

/** Reads every table of some versions, and compares the directory with them. */
export async function checkTables(
  configuration: LsmStoreConfiguration,
  files: TableFiles,
  versions: readonly Version[],
  damagesMax: number,
): Promise<readonly Damage[]> {
  const damages: Damage[] = [];
  const present = new Set(configuration.files.list(files.directory).map(tableNumber));
  for (const table of new Set(versions.flatMap((version) => [...version.tables()]))) {
    if (damages.length >= damagesMax) break;
    const { number, keyspace } = table.facts;
    const name = configuration.keyspaces.find(({ id }) => id === keyspace)?.name ?? '';
    const report = (offset: number, reason: string): void => {
      damages.push({ file: files.path(number), offset, reason, keyspace: name });
    };
    if (!present.has(number)) report(0, 'the file is missing');
    else await checkTable(table, report);
  }
  return damages.slice(0, damagesMax);
}

async function checkTable(
  table: Table,
  report: (offset: number, reason: string) => void,
): Promise<void> {
  try {
    await table.reader.check(report);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    const { offset, reason } = error.data;
    report(typeof offset === 'number' ? offset : 0, String(reason ?? error.message));
  }
}

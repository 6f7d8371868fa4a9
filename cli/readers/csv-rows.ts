import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { type JsonValue, limits } from '../../base/index.ts';
import { badLine } from './bad-line.ts';
import { type ColumnTypes, cellValue } from './column-types.ts';
import type { SourceRow } from './source-row.ts';

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Rows handed on together. */
const ROWS_TOGETHER = 500;

/**
 * Rows from CSV (RFC 4180, any line ending); the first record names the columns.
 *
 * @throws IMPORT_INVALID for a record that cannot be read, or of another number of columns
 */
export async function* csvRows(
  chunks: AsyncIterable<Buffer>,
  delimiter: string,
  types: ColumnTypes,
): AsyncGenerator<SourceRow[]> {
  const source = Readable.from(chunks);
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    skip_empty_lines: true,
    max_record_size: limits.ROW_BYTES_MAX,
  });
  source.on('error', (error) => parser.destroy(error));
  let header: readonly string[] | undefined;
  let gathered: SourceRow[] = [];
  try {
    for await (const parsed of source.pipe(parser)) {
      const { record, info } = parsed as CsvRecord;
      if (header === undefined) {
        header = checkedHeader(record, info.lines);
        continue;
      }
      gathered.push({ line: info.lines, row: rowOf(header, record, types) });
      if (gathered.length < ROWS_TOGETHER) continue;
      yield gathered;
      gathered = [];
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw badLine(Number(error.lines), error.message, error);
  } finally {
    source.destroy();
  }
  if (gathered.length > 0) yield gathered;
}

function checkedHeader(names: readonly string[], line: number): readonly string[] {
  const seen = new Set<string>();
  for (const name of names) {
    if (name.trim() === '') throw badLine(line, 'a column has no name');
    if (seen.has(name)) throw badLine(line, `two columns are named ${JSON.stringify(name)}`);
    seen.add(name);
  }
  return names;
}

/** Own properties, so that a column named `__proto__` is one like any other. */
function rowOf(header: readonly string[], record: readonly string[], types: ColumnTypes) {
  const cells: [string, JsonValue][] = [];
  header.forEach((name, index) => {
    const value = cellValue(record[index] ?? '', types.get(name));
    if (value !== undefined) cells.push([name, value]);
  });
  return Object.fromEntries(cells);
}

import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { type JsonValue, limits } from '../../base/index.ts';
import { badLine } from './bad-line.ts';
import { type ColumnTypes, cellValue } from './column-types.ts';
import type { SourceItem } from './source-row.ts';

interface CsvRecord {
  /** Undefined for a cell of nothing. */
  readonly record: readonly (string | undefined)[];
  readonly info: { readonly lines: number };
  readonly raw: string;
}

/** Rows handed on together. */
const ROWS_TOGETHER = 500;

/**
 * Rows from CSV (RFC 4180, any line ending); the first record names the columns.
 *
 * @param nothing text that stands for no value where it is not quoted
 * @throws IMPORT_INVALID for the header, and for quotes out of place: where the next record begins is
 *   not known then
 */
export async function* csvRows(
  chunks: AsyncIterable<Buffer>,
  delimiter: string,
  types: ColumnTypes,
  nothing?: string,
): AsyncGenerator<SourceItem[]> {
  const source = Readable.from(chunks);
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    raw: true,
    relax_column_count: true,
    skip_empty_lines: true,
    ...(nothing === undefined
      ? {}
      : { cast: (text, { quoting }) => (text === nothing && !quoting ? undefined : text) }),
    max_record_size: limits.ROW_BYTES_MAX,
  });
  source.on('error', (error) => parser.destroy(error));
  let header: readonly string[] | undefined;
  let gathered: SourceItem[] = [];
  try {
    for await (const parsed of source.pipe(parser)) {
      const { record, info, raw } = parsed as CsvRecord;
      if (header === undefined) {
        header = checkedHeader(
          record.map((name) => name ?? ''),
          info.lines,
        );
        continue;
      }
      gathered.push(itemOf(header, record, types, info.lines, raw));
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

function itemOf(
  header: readonly string[],
  record: readonly (string | undefined)[],
  types: ColumnTypes,
  line: number,
  raw: string,
): SourceItem {
  if (record.length === header.length) return { line, row: rowOf(header, record, types) };
  const error = badLine(line, `it has ${record.length} columns; the header has ${header.length}`);
  return { line, error, text: raw.replace(/\r?\n$/, '') };
}

/** Own properties, so that a column named `__proto__` is one like any other. */
function rowOf(
  header: readonly string[],
  record: readonly (string | undefined)[],
  types: ColumnTypes,
) {
  const cells: [string, JsonValue][] = [];
  header.forEach((name, index) => {
    const text = record[index];
    const value = text === undefined ? undefined : cellValue(text, types.get(name));
    if (value !== undefined) cells.push([name, value]);
  });
  return Object.fromEntries(cells);
}

import { isJsonObject, parseJson } from '../json.ts';
import { badLine } from './bad-line.ts';
import { linesOf } from './lines.ts';
import type { SourceRow } from './source-row.ts';

/** Rows from NDJSON: a JSON object a line. @throws IMPORT_INVALID */
export async function* ndjsonRows(chunks: AsyncIterable<Buffer>): AsyncGenerator<SourceRow[]> {
  for await (const lines of linesOf(chunks)) {
    yield lines.map(({ number, text }) => {
      const row = parseJson(text);
      if (isJsonObject(row)) return { line: number, row };
      const found = row === undefined ? 'it is not JSON' : 'it is JSON, but not an object';
      throw badLine(number, `${found}: ${text.slice(0, 40)}`);
    });
  }
}

import { isJsonObject, parseJson } from '../json.ts';
import { badLine } from './bad-line.ts';
import { linesOf } from './lines.ts';
import type { SourceItem } from './source-row.ts';

/** Rows from NDJSON: a JSON object a line. @throws IMPORT_INVALID for what is not even lines of text */
export async function* ndjsonRows(chunks: AsyncIterable<Buffer>): AsyncGenerator<SourceItem[]> {
  for await (const lines of linesOf(chunks)) {
    yield lines.map(({ number, text }) => {
      const row = parseJson(text);
      if (isJsonObject(row)) return { line: number, row };
      const found = row === undefined ? 'it is not JSON' : 'it is JSON, but not an object';
      const error = badLine(number, `${found}: ${text.slice(0, 40)}`);
      return { line: number, error, text };
    });
  }
}

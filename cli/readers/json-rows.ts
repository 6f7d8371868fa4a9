import { limits, TidemarkError } from '../../base/index.ts';
import { isJsonObject, parseJson } from '../json.ts';
import { badLine } from './bad-line.ts';
import type { SourceItem } from './source-row.ts';

/** An array is read as a whole; what is larger comes as NDJSON. */
const BYTES_MAX = limits.COMMIT_BYTES_MAX;

/** Rows from one JSON array; lines are its elements, counted from 1. @throws IMPORT_INVALID */
export async function* jsonRows(chunks: AsyncIterable<Buffer>): AsyncGenerator<SourceItem[]> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes > BYTES_MAX) {
      const message = `a JSON array of more than ${BYTES_MAX} bytes is not read; write it as NDJSON`;
      throw new TidemarkError('IMPORT_INVALID', message, { bytesMax: BYTES_MAX });
    }
  }
  const rows = parseJson(Buffer.concat(parts).toString('utf8'));
  if (!Array.isArray(rows)) throw badLine(1, 'it is not a JSON array of rows');
  yield rows.map((row: unknown, index) => {
    const line = index + 1;
    if (isJsonObject(row)) return { line, row };
    const text = JSON.stringify(row);
    return { line, error: badLine(line, `it is not an object: ${text.slice(0, 40)}`), text };
  });
}

/**
 * Rows that come in as lines of JSON, for as long as they come: each batch of them is a commit, and
 * the next is read while one is on its way to the disk. Batches end by the number and size of their
 * lines alone, so that the same lines with the same idempotency key make the same commits: an
 * import that broke off can be sent again whole.
 */
import { isPlainObject, type JsonObject, limits, TidemarkError } from '../base/index.ts';
import type { CommitMetadata, CommitOutcome, Database } from '../database/index.ts';

export interface RowImport {
  readonly database: Database;
  readonly table: string;
  /** What becomes of a row whose key is there: an error, or it takes the other's place. */
  readonly mode: 'insert' | 'upsert';
  readonly metadata: CommitMetadata;
}

export interface ImportOutcome {
  readonly rows: number;
  readonly commits: number;
  /** The last commit; undefined if there was no row. */
  readonly last: CommitOutcome | undefined;
}

interface Line {
  readonly number: number;
  readonly row: JsonObject;
}

const BATCH_ROWS = 1000;
const BATCH_BYTES = 1024 * 1024;

/**
 * @throws IMPORT_INVALID naming the line; batches before that of the line are in the table, and
 * `data.rows` says how many rows they had.
 */
export async function importRows(
  options: RowImport,
  chunks: AsyncIterable<Buffer>,
): Promise<ImportOutcome> {
  const { database, table, mode, metadata } = options;
  database.table(table);
  let rows = 0;
  let commits = 0;
  let last: CommitOutcome | undefined;
  let underway: Promise<void> | undefined;
  const write = async (batch: readonly Line[]) => {
    const { idempotencyKey } = metadata;
    const key = idempotencyKey === undefined ? undefined : `${idempotencyKey}#${commits}`;
    last = await database.transact((tx) => writeBatch(tx.table(table), batch, mode), {
      ...metadata,
      idempotencyKey: key,
    });
    commits++;
    rows += batch.length;
  };
  try {
    for await (const batch of batchesOf(linesIn(chunks))) {
      await underway;
      underway = write(batch);
      underway.catch(() => undefined); // It is looked at before the next batch, or at the end.
    }
    await underway;
  } catch (error) {
    // What went wrong in a commit under way stands before what was read meanwhile.
    const first: unknown = await underway?.then(
      () => error,
      (earlier: unknown) => earlier,
    );
    const thrown = first ?? error;
    throw thrown instanceof TidemarkError ? withRows(thrown, rows) : thrown;
  }
  return { rows, commits, last };
}

interface RowTarget {
  insert(row: JsonObject): unknown;
  upsert(row: JsonObject): unknown;
}

function writeBatch(target: RowTarget, batch: readonly Line[], mode: RowImport['mode']): void {
  for (const { number, row } of batch) {
    try {
      target[mode](row);
    } catch (error) {
      throw error instanceof TidemarkError ? badLine(number, error.message, error) : error;
    }
  }
}

async function* batchesOf(lines: AsyncIterable<Line & { readonly bytes: number }>) {
  let batch: Line[] = [];
  let size = 0;
  for await (const line of lines) {
    batch.push(line);
    size += line.bytes;
    if (batch.length < BATCH_ROWS && size < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Lines that are empty are passed over. */
async function* linesIn(chunks: AsyncIterable<Buffer>) {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  const lineOf = (bytes: Buffer) => ({ number, bytes: bytes.length, row: rowOf(bytes, number) });
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n', start)) {
      number++;
      const line = bytes.subarray(start, end);
      if (!isBlank(line)) yield lineOf(line);
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > limits.ROW_BYTES_MAX) {
      throw badLine(number + 1, `it is longer than ${limits.ROW_BYTES_MAX} bytes`);
    }
  }
  number++;
  if (!isBlank(rest)) yield lineOf(rest);
}

function isBlank(line: Buffer): boolean {
  return line.length < 3 && line.toString('latin1').trim() === '';
}

function rowOf(line: Buffer, number: number): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line.utf8Slice(0, line.length));
  } catch {
    throw badLine(number, 'it is not JSON');
  }
  if (isPlainObject(value)) return value as JsonObject;
  throw badLine(number, 'it is not a JSON object');
}

function badLine(line: number, what: string, cause?: TidemarkError): TidemarkError {
  const code = cause === undefined ? {} : { code: cause.code };
  return new TidemarkError('IMPORT_INVALID', `line ${line}: ${what}`, { line, ...code }, cause);
}

function withRows({ code, message, data, cause }: TidemarkError, rows: number): TidemarkError {
  return new TidemarkError(
    code,
    `${message}; ${rows} rows before are in`,
    { ...data, rows },
    cause,
  );
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidemarkError } from '../../base/index.ts';
import type { JsonRow, PastView, RowKey, RowRange } from '../../database/index.ts';
import { asksForLines, type LineSource, LineStream, NDJSON } from '../line-stream.ts';
import { type MomentQuery, momentOf, setMoment } from '../moment.ts';
import { keyOfPath } from '../path-key.ts';
import { decodeCursor, encodeCursor, type RowCursor } from '../row-cursor.ts';
import { type RowShape, RowWriter } from '../row-writer.ts';
import { jsonObject, key, pathOf, readQuery } from '../schemas.ts';

interface PageQuery extends MomentQuery {
  readonly limit?: number;
  readonly from?: string;
  readonly to?: string;
  readonly reverse?: boolean;
  readonly cursor?: string;
  readonly shape: RowShape;
}

type PageRequest = FastifyRequest<{ Params: { table: string }; Querystring: PageQuery }>;

interface Page {
  readonly range: RowRange;
  /** The key that the page before ended with: it is in the range, and not wanted. */
  readonly after: RowKey | undefined;
  readonly view: PastView;
}

/** Rows in one answer that is not streamed, if the caller says nothing. */
const PAGE_ROWS = 100;
const PAGE_ROWS_MAX = 10_000;
/** A page ends before its limit when it is this large. */
const PAGE_BYTES = 8 * 1024 * 1024;
const PAGE_START_BYTES = 16 * 1024;
const LINES_START_BYTES = 80 * 1024;

/** `GET /tables/{table}/rows`: pages of JSON, or all of it as lines. */
export function rowPageRoutes(app: FastifyInstance): void {
  app.get<{ Params: { table: string }; Querystring: PageQuery }>(
    '/tables/:table/rows',
    {
      config: { access: 'read' },
      schema: {
        tags: ['rows'],
        summary: 'Read rows in key order, in pages or as a stream of lines',
        description: `As JSON, a page of ${PAGE_ROWS} rows or \`limit\`, and \`next\` for the page after it, which shows the same moment. With \`Accept: ${NDJSON}\` all rows, one a line.`,
        params: pathOf({ table: { type: 'string' } }),
        querystring: readQuery({
          limit: { type: 'integer', minimum: 1 },
          from: { type: 'string', description: 'The first key, inclusive.' },
          to: { type: 'string', description: 'The key to end before, exclusive.' },
          reverse: { type: 'boolean' },
          cursor: { type: 'string', description: 'The `next` of the page before.' },
          shape: {
            type: 'string',
            enum: ['entry', 'row'],
            default: 'entry',
            description: 'Rows with key, version and position, or alone.',
          },
        }),
        response: {
          200: {
            type: 'object',
            properties: {
              rows: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    key,
                    version: { type: 'integer' },
                    position: { type: 'integer' },
                    row: jsonObject,
                  },
                },
              },
              next: { type: 'string', description: 'Absent on the last page.' },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const page = openPage(request, reply);
      if (asksForLines(request.headers.accept)) return sendLines(request, reply, page);
      try {
        return sendPage(request, reply, page);
      } finally {
        page.view.close();
      }
    },
  );
}

/** The view is the caller's to close. */
function openPage({ database, query, params }: PageRequest, reply: FastifyReply): Page {
  const { generation } = database;
  const cursor = query.cursor && decodeCursor(query.cursor, params.table, generation);
  if (cursor) checkAlone(query);
  const moment = cursor ? { position: cursor.position } : momentOf(query);
  const view = database.asOf(moment ?? { position: database.log.head.position });
  try {
    setMoment(reply, view);
    const { definition } = view.table(params.table);
    if (cursor) return { ...rangeOfCursor(cursor), view };
    const keyOf = (written: string | undefined) =>
      written === undefined ? undefined : keyOfPath(written, definition);
    const { reverse = false } = query;
    const range = { from: keyOf(query.from), to: keyOf(query.to), reverse };
    return { range, after: undefined, view };
  } catch (error) {
    view.close();
    throw error;
  }
}

/** Forwards a walk begins with the key that was last, which is passed over; backwards below it. */
function rangeOfCursor({ after, end, reverse }: RowCursor): Omit<Page, 'view'> {
  const last = end ?? undefined;
  if (reverse) return { range: { from: last, to: after, reverse }, after: undefined };
  return { range: { from: after, to: last, reverse }, after };
}

function checkAlone({ from, to, reverse, as_of, at_position }: PageQuery): void {
  if ([from, to, reverse, as_of, at_position].every((each) => each === undefined)) return;
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    'the cursor says from where, to where and at which moment; allowed beside it: limit, shape',
  );
}

function sendPage(request: PageRequest, reply: FastifyReply, page: Page): FastifyReply {
  const { query, params, database } = request;
  const limit = query.limit ?? PAGE_ROWS;
  if (limit > PAGE_ROWS_MAX) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `limit is ${limit}; allowed: 1 to ${PAGE_ROWS_MAX}, or any with Accept: ${NDJSON}`,
    );
  }
  const writer = new RowWriter(query.shape, PAGE_START_BYTES);
  writer.addText('{"rows":[');
  let last: RowKey | undefined;
  let more = false;
  let rows = 0;
  for (const row of rowsOf(page, params.table)) {
    more = rows === limit || writer.length > PAGE_BYTES;
    if (more) break;
    if (rows++ > 0) writer.addText(',');
    writer.add(row);
    last = row.key;
  }
  writer.addText(']');
  if (more && last !== undefined) {
    const { range, view } = page;
    const { from, to, reverse = false } = range;
    const { generation } = database;
    const at = { table: params.table, generation, position: view.position };
    const next = encodeCursor({ ...at, after: last, end: (reverse ? from : to) ?? null, reverse });
    writer.addText(`,"next":"${next}"`);
  }
  writer.addText('}');
  reply.type('application/json; charset=utf-8');
  return reply.send(writer.take());
}

/** The view stays open until the last line is sent, or the caller is gone. */
function sendLines({ query, params }: PageRequest, reply: FastifyReply, page: Page): FastifyReply {
  const rows = rowsOf(page, params.table);
  const writer = new RowWriter(query.shape, LINES_START_BYTES);
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  const source: LineSource = {
    next(bytes) {
      while (left > 0 && writer.length < bytes) {
        const { done, value } = rows.next();
        if (done === true) break;
        left--;
        writer.add(value);
        writer.addText('\n');
      }
      return writer.length === 0 ? undefined : writer.take();
    },
    close() {
      rows.return(undefined);
      page.view.close();
    },
  };
  return reply.type(NDJSON).send(new LineStream(source));
}

function* rowsOf({ view, range, after }: Page, table: string): Generator<JsonRow, undefined> {
  for (const row of view.table(table).jsonEntries(range)) if (row.key !== after) yield row;
}

import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { JsonObject } from '../../base/index.ts';
import { metadataOf, setCreated, setOutcome } from '../commit-headers.ts';
import { NDJSON } from '../line-stream.ts';
import { importRows } from '../row-import.ts';
import { setChange } from '../row-version.ts';
import {
  changeOutcome,
  commitOutcome,
  jsonObject,
  key,
  noQuery,
  pathOf,
  writeHeaders,
} from '../schemas.ts';

interface TablePath {
  readonly table: string;
}

interface InsertQuery {
  readonly mode: 'insert' | 'upsert';
}

const tags = ['rows'];
const params = pathOf({ table: { type: 'string' } });
/** A batch is one commit; what is larger is streamed in. */
const BATCH_ROWS_MAX = 100_000;

/** `POST /tables/{table}/rows` and `/rows/batch`: one row, a list of them, or a stream. */
export function rowInsertRoutes(app: FastifyInstance): void {
  app.post<{ Params: TablePath; Body: JsonObject | Readable; Querystring: InsertQuery }>(
    '/tables/:table/rows',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Insert a row, under its primary key or the next key the store gives',
        description: `With a body of ${NDJSON}, a row each line, all of them, however many: in commits of about a thousand. Sent again with the same \`Idempotency-Key\`, an import that broke off goes on where it was.`,
        params,
        headers: writeHeaders,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            mode: {
              type: 'string',
              enum: ['insert', 'upsert'],
              default: 'insert',
              description: 'What becomes of a row whose key is there: an error, or it is replaced.',
            },
          },
        },
        body: {
          content: {
            'application/json': { schema: jsonObject },
            [NDJSON]: { schema: { description: 'A JSON object each line.' } },
          },
        },
        response: { 200: jsonObject, 201: changeOutcome },
      },
    },
    async (request, reply) => {
      const { body, database } = request;
      const metadata = metadataOf(request);
      const { mode } = request.query;
      if (body instanceof Readable) {
        const { table } = request.params;
        const { last, ...counts } = await importRows({ database, table, mode, metadata }, body);
        if (last !== undefined) setOutcome(reply, last);
        return { ...counts, position: last?.position ?? database.log.head.position };
      }
      const outcome = await database.table(request.params.table)[mode](body, metadata);
      setCreated(request, reply, String(outcome.key));
      return setChange(reply, outcome);
    },
  );

  app.post<{ Params: TablePath; Body: { rows: JsonObject[] } }>(
    '/tables/:table/rows/batch',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Insert rows as one commit: all of them or none',
        params,
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['rows'],
          properties: { rows: { type: 'array', maxItems: BATCH_ROWS_MAX, items: jsonObject } },
        },
        response: {
          201: {
            type: 'object',
            properties: {
              keys: { type: 'array', items: key },
              versions: { type: 'array', items: { type: 'integer' } },
              ...commitOutcome.properties,
            },
          },
        },
      },
    },
    async (request, reply) => {
      const table = request.database.table(request.params.table);
      const outcome = await table.insertMany(request.body.rows, metadataOf(request));
      setOutcome(reply.code(201), outcome);
      return outcome;
    },
  );
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type JsonObject, TidemarkError } from '../../base/index.ts';
import type { ChangeOutcome, RowRange, Table } from '../../database/index.ts';
import { commitHeaders, metadataOf, setOutcome } from '../commit-headers.ts';
import { etagOf, isKnown, type Precondition, preconditionOf } from '../etag.ts';
import { type MomentQuery, readAt } from '../moment.ts';
import { keyOfPath } from '../path-key.ts';
import { changeOutcome, jsonObject, key, noQuery, pathOf, readQuery } from '../schemas.ts';

interface TablePath {
  readonly table: string;
}

interface RowPath extends TablePath {
  readonly key: string;
}

interface PageQuery extends MomentQuery {
  readonly limit: number;
  readonly from?: string;
  readonly to?: string;
  readonly reverse: boolean;
}

interface HistoryQuery extends MomentQuery {
  readonly limit: number;
  readonly reverse: boolean;
}

/** Rows in one answer that is not streamed. */
const PAGE_ROWS_MAX = 10_000;
const PAGE_ROWS = 100;

const tags = ['rows'];
const tableParams = pathOf({ table: { type: 'string' } });
const rowParams = pathOf({ table: { type: 'string' }, key: { type: 'string' } });
const headers = { type: 'object', properties: commitHeaders } as const;
const limit = { type: 'integer', minimum: 1, maximum: PAGE_ROWS_MAX, default: PAGE_ROWS } as const;
const reverse = { type: 'boolean', default: false } as const;

/** `/tables/{table}/rows`. */
export function rowRoutes(app: FastifyInstance): void {
  readingRoutes(app);
  writingRoutes(app);
}

function readingRoutes(app: FastifyInstance): void {
  app.get<{ Params: TablePath; Querystring: PageQuery }>(
    '/tables/:table/rows',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read rows in key order',
        params: tableParams,
        querystring: readQuery({
          limit,
          reverse,
          from: { type: 'string', description: 'The first key, inclusive.' },
          to: { type: 'string', description: 'The key to end before, exclusive.' },
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
                    time: { type: 'string', format: 'date-time' },
                    row: jsonObject,
                  },
                },
              },
            },
          },
        },
      },
    },
    async ({ database, query, params }, reply) =>
      readAt(database, query, reply, (reading) => {
        const table = reading.table(params.table);
        return { rows: [...table.entries(rangeOf(query, table.definition))] };
      }),
  );

  app.get<{ Params: RowPath; Querystring: MomentQuery }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read a row; its ETag is its version',
        params: rowParams,
        querystring: readQuery({}),
        response: { 200: jsonObject },
      },
    },
    async ({ database, query, params, headers: asked }, reply) =>
      readAt(database, query, reply, (reading) => {
        const table = reading.table(params.table);
        const row = table.read(keyOfPath(params.key, table.definition));
        if (row === undefined) throw noRow(params);
        reply.header('etag', etagOf(row.version));
        if (isKnown(asked['if-none-match'], row.version)) return reply.code(304).send();
        return row.row;
      }),
  );

  app.get<{ Params: RowPath; Querystring: HistoryQuery }>(
    '/tables/:table/rows/:key/history',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read every version of a row, deletions included',
        params: rowParams,
        querystring: readQuery({ limit, reverse }),
        response: {
          200: {
            type: 'object',
            properties: { versions: { type: 'array', items: jsonObject } },
          },
        },
      },
    },
    async ({ database, query, params }, reply) =>
      readAt(database, query, reply, (reading) => {
        const table = reading.table(params.table);
        const { limit: most, reverse: back } = query;
        const rowKey = keyOfPath(params.key, table.definition);
        return { versions: table.history(rowKey, { limit: most, reverse: back }) };
      }),
  );
}

function writingRoutes(app: FastifyInstance): void {
  app.post<{ Params: TablePath; Body: JsonObject }>(
    '/tables/:table/rows',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Insert a row, under its primary key or the next key the store gives',
        params: tableParams,
        headers,
        querystring: noQuery,
        body: jsonObject,
        response: { 201: changeOutcome },
      },
    },
    async (request, reply) => {
      const table = request.database.table(request.params.table);
      const outcome = await table.insert(request.body, metadataOf(request));
      const path = request.url.split('?', 1)[0]!;
      reply.code(201).header('location', `${path}/${encodeURIComponent(outcome.key)}`);
      return changed(reply, outcome);
    },
  );

  app.put<{ Params: RowPath; Body: JsonObject }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Put a row in its place, whether there is one or not',
        params: rowParams,
        headers,
        querystring: noQuery,
        body: jsonObject,
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => changed(reply, await putRow(request)),
  );

  app.delete<{ Params: RowPath }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Delete a row; its past stays readable',
        params: rowParams,
        headers,
        querystring: noQuery,
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => {
      const table = request.database.table(request.params.table);
      const rowKey = keyOfPath(request.params.key, table.definition);
      const { expectedVersion } = preconditionOf(request.headers) ?? {};
      const outcome = await table.delete(rowKey, { ...metadataOf(request), expectedVersion });
      return changed(reply, outcome);
    },
  );
}

type PutRequest = FastifyRequest<{ Params: RowPath; Body: JsonObject }>;

/** Where the store gives the keys, a row is only ever put in the place of another. */
function putRow(request: PutRequest): Promise<ChangeOutcome> {
  const table = request.database.table(request.params.table);
  const { primaryKey } = table.definition;
  const rowKey = keyOfPath(request.params.key, table.definition);
  const precondition: Precondition = preconditionOf(request.headers) ?? {};
  const { expectedVersion, mustExist } = precondition;
  const options = { ...metadataOf(request), expectedVersion };
  if (primaryKey === undefined || mustExist === true) {
    return table.replace(rowKey, request.body, options);
  }
  const row = { ...request.body, [primaryKey]: request.body[primaryKey] ?? rowKey };
  if (row[primaryKey] === rowKey) return table.upsert(row, options);
  throw new TidemarkError(
    'KEY_IMMUTABLE',
    `the row says its key is ${JSON.stringify(row[primaryKey])}, the address says ${JSON.stringify(rowKey)}`,
    { table: table.name, column: primaryKey },
  );
}

function changed(reply: FastifyReply, outcome: ChangeOutcome): ChangeOutcome {
  setOutcome(reply, outcome);
  reply.header('etag', etagOf(outcome.version));
  return outcome;
}

function rangeOf(query: PageQuery, definition: Table['definition']): RowRange {
  const { from, to } = query;
  return {
    limit: query.limit,
    reverse: query.reverse,
    ...(from === undefined ? {} : { from: keyOfPath(from, definition) }),
    ...(to === undefined ? {} : { to: keyOfPath(to, definition) }),
  };
}

function noRow({ table, key: text }: RowPath): TidemarkError {
  return new TidemarkError(
    'ROW_NOT_FOUND',
    `table ${table} has no row under ${JSON.stringify(text.slice(0, 64))}`,
    { table, key: text },
  );
}

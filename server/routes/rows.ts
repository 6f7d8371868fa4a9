import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type JsonObject, TidemarkError } from '../../base/index.ts';
import type { ChangeOutcome } from '../../database/index.ts';
import { preconditionOf } from '../etag.ts';
import { negotiatedMoment, setTimegate } from '../memento.ts';
import { type MomentQuery, type Reading, readAt } from '../moment.ts';
import { keyOfPath } from '../path-key.ts';
import {
  changeHeaders,
  changeOptions,
  readHeaders,
  setChange,
  setVersion,
} from '../row-version.ts';
import {
  changeOutcome,
  historyParameters,
  jsonObject,
  noQuery,
  pathOf,
  readQuery,
} from '../schemas.ts';

interface RowPath {
  readonly table: string;
  readonly key: string;
}

interface HistoryQuery extends MomentQuery {
  readonly limit: number;
  readonly reverse: boolean;
}

const TEXT_BYTES_MAX = 16 * 1024;

const tags = ['rows'];
const rowParams = pathOf({ table: { type: 'string' }, key: { type: 'string' } });

/** `/tables/{table}/rows/{key}`: one row, its past and its changes. */
export function rowRoutes(app: FastifyInstance): void {
  readingRoutes(app);
  writingRoutes(app);
}

function readingRoutes(app: FastifyInstance): void {
  app.get<{ Params: RowPath; Querystring: MomentQuery }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read a row; its ETag is its version',
        params: rowParams,
        headers: readHeaders,
        querystring: readQuery({}),
        response: { 200: jsonObject },
      },
    },
    // Not async: a promise and its turn are a tenth of what a point read takes.
    (request, reply) => {
      setTimegate(reply);
      const query = negotiatedMoment(request.query, request);
      readAt(request.database, query, reply, (reading) => sendRow(request, reply, reading, query));
    },
  );

  app.get<{ Params: RowPath; Querystring: HistoryQuery }>(
    '/tables/:table/rows/:key/history',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read every version of a row, deletions included',
        params: rowParams,
        querystring: readQuery(historyParameters),
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
        const { limit, reverse } = query;
        const rowKey = keyOfPath(params.key, table.definition);
        return { versions: table.history(rowKey, { limit, reverse }) };
      }),
  );

  app.get<{ Params: RowPath; Querystring: MomentQuery }>(
    '/tables/:table/rows/:key/blame',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read for each column of a row who gave it its value, when and why',
        params: rowParams,
        querystring: readQuery({}),
        response: {
          200: {
            type: 'object',
            properties: { columns: { type: 'array', items: jsonObject } },
          },
        },
      },
    },
    async ({ database, query, params }, reply) =>
      readAt(database, query, reply, (reading) => {
        const table = reading.table(params.table);
        const columns = table.blame(keyOfPath(params.key, table.definition));
        if (columns === undefined) throw noRow(params);
        return { columns };
      }),
  );
}

type RowRequest = FastifyRequest<{ Params: RowPath; Querystring: MomentQuery }>;

/** The bytes that are stored, as they are. */
function sendRow(
  request: RowRequest,
  reply: FastifyReply,
  reading: Reading,
  query: MomentQuery,
): FastifyReply {
  const { params, database } = request;
  const table = reading.table(params.table);
  const row = table.readJson(keyOfPath(params.key, table.definition));
  if (row === undefined) throw noRow(params);
  const { source, start, end, position } = row;
  const time = () => database.log.timeOf(position);
  const isKnown = setVersion(request, reply, query, { version: row.version, position, time });
  if (isKnown) return reply.code(304).send();
  reply.type('application/json; charset=utf-8');
  // Node sends text together with the head, bytes after it: that takes a system call more, which is
  // a third of the time of a small answer.
  const isSmall = end - start <= TEXT_BYTES_MAX;
  return reply.send(isSmall ? source.utf8Slice(start, end) : source.subarray(start, end));
}

function writingRoutes(app: FastifyInstance): void {
  app.put<{ Params: RowPath; Body: JsonObject }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Put a row in its place, whether there is one or not',
        params: rowParams,
        headers: changeHeaders,
        querystring: noQuery,
        body: jsonObject,
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => setChange(reply, await putRow(request)),
  );

  app.patch<{ Params: RowPath; Body: JsonObject }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Merge a patch into a row (RFC 7396)',
        params: rowParams,
        headers: changeHeaders,
        querystring: noQuery,
        body: jsonObject,
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => {
      const table = request.database.table(request.params.table);
      const rowKey = keyOfPath(request.params.key, table.definition);
      return setChange(reply, await table.patch(rowKey, request.body, changeOptions(request)));
    },
  );

  app.delete<{ Params: RowPath }>(
    '/tables/:table/rows/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Delete a row; its past stays readable',
        params: rowParams,
        headers: changeHeaders,
        querystring: noQuery,
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => {
      const table = request.database.table(request.params.table);
      const rowKey = keyOfPath(request.params.key, table.definition);
      return setChange(reply, await table.delete(rowKey, changeOptions(request)));
    },
  );
}

type PutRequest = FastifyRequest<{ Params: RowPath; Body: JsonObject }>;

/** Where the store gives the keys, a row is only ever put in the place of another. */
function putRow(request: PutRequest): Promise<ChangeOutcome> {
  const table = request.database.table(request.params.table);
  const { primaryKey } = table.definition;
  const rowKey = keyOfPath(request.params.key, table.definition);
  const { mustExist } = preconditionOf(request.headers) ?? {};
  const options = changeOptions(request);
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

function noRow({ table, key: text }: RowPath): TidemarkError {
  return new TidemarkError(
    'ROW_NOT_FOUND',
    `table ${table} has no row under ${JSON.stringify(text.slice(0, 64))}`,
    { table, key: text },
  );
}

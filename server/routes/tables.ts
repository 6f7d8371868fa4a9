import type { FastifyInstance } from 'fastify';
import type { TableDeclaration } from '../../database/index.ts';
import { metadataOf, setCreated, setOutcome } from '../commit-headers.ts';
import { type MomentQuery, type Reading, readAt } from '../moment.ts';
import {
  commitOutcome,
  jsonObject,
  momentQuery,
  noQuery,
  pathOf,
  tableDefinition,
  writeHeaders,
} from '../schemas.ts';

interface TablePath {
  readonly table: string;
}

interface Creation extends TableDeclaration {
  readonly name: string;
}

const tags = ['tables'];
const params = pathOf({ table: { type: 'string' } });

/** `/tables`: what tables there are, and how they are declared. */
export function tableRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: MomentQuery }>(
    '/tables',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'List the tables',
        params: pathOf({}),
        querystring: momentQuery,
        response: {
          200: {
            type: 'object',
            properties: { tables: { type: 'array', items: tableDefinition } },
          },
        },
      },
    },
    async ({ database, query }, reply) =>
      readAt(database, query, reply, (reading) => ({ tables: reading.tables() })),
  );

  app.post<{ Body: Creation }>(
    '/tables',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Make a table',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: { type: 'string' },
            primaryKey: {
              type: 'string',
              description: 'The column that holds the key. Without one the store gives keys.',
            },
            keyType: { type: 'string', enum: ['string', 'integer'] },
            schema: { ...jsonObject, description: 'JSON Schema of a row.' },
          },
        },
        response: { 201: commitOutcome },
      },
    },
    async (request, reply) => {
      const { name, ...declaration } = request.body;
      const outcome = await request.database.createTable(name, declaration, metadataOf(request));
      setOutcome(reply, outcome);
      setCreated(request, reply, name);
      return outcome;
    },
  );

  app.get<{ Params: TablePath; Querystring: MomentQuery }>(
    '/tables/:table',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Show how a table is declared, and how many rows it has',
        params,
        querystring: momentQuery,
        response: {
          200: {
            type: 'object',
            properties: { ...tableDefinition.properties, rows: { type: 'integer' } },
          },
        },
      },
    },
    async ({ database, query, params: { table } }, reply) =>
      readAt(database, query, reply, (reading) => ({
        ...definitionIn(reading, table),
        rows: reading.table(table).count(),
      })),
  );

  app.patch<{
    Params: TablePath;
    Body: Pick<TableDeclaration, 'schema'>;
    Querystring: { dry_run?: boolean };
  }>(
    '/tables/:table',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Give a table another schema; its rows must fit it',
        params,
        headers: writeHeaders,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            dry_run: { type: 'boolean', description: 'Only says whether the rows would fit.' },
          },
        },
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['schema'],
          properties: { schema: jsonObject },
        },
        response: { 200: commitOutcome },
      },
    },
    async (request, reply) => {
      const { table } = request.params;
      const { database, body, query } = request;
      const metadata = query.dry_run === true ? {} : metadataOf(request);
      const options = { dryRun: query.dry_run };
      const outcome = await database.alterTable(table, body, metadata, options);
      setOutcome(reply, outcome);
      return outcome;
    },
  );

  app.delete<{ Params: TablePath }>(
    '/tables/:table',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Drop a table; its past stays readable',
        params,
        headers: writeHeaders,
        querystring: noQuery,
        response: { 200: commitOutcome },
      },
    },
    async (request, reply) => {
      const outcome = await request.database.dropTable(request.params.table, metadataOf(request));
      setOutcome(reply, outcome);
      return outcome;
    },
  );
}

/** @throws TABLE_UNKNOWN */
function definitionIn(reading: Reading, name: string) {
  const { definition } = reading.table(name);
  return definition;
}

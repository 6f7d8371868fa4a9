import type { FastifyInstance } from 'fastify';
import type { IndexDeclaration } from '../../database/index.ts';
import { metadataOf, setOutcome } from '../commit-headers.ts';
import { setMoment } from '../moment.ts';
import { commitOutcome, jsonObject, noQuery, pathOf, writeHeaders } from '../schemas.ts';

interface Declaration extends Omit<IndexDeclaration, 'wait'> {
  readonly name: string;
}

interface IndexPath {
  readonly index: string;
}

const tags = ['indexes'];
const params = pathOf({ index: { type: 'string' } });

/** `/indexes`: what queries go by. */
export function indexRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: { table?: string } }>(
    '/indexes',
    {
      config: { access: 'read', isQuery: true },
      schema: {
        tags,
        summary: 'List the indexes, and how far those are that are being built',
        params: pathOf({}),
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: { table: { type: 'string' } },
        },
        response: {
          200: { type: 'object', properties: { indexes: { type: 'array', items: jsonObject } } },
        },
      },
    },
    async ({ database, query }, reply) => {
      setMoment(reply, database.log.head);
      return { indexes: database.indexes(query.table) };
    },
  );

  app.post<{ Body: Declaration }>(
    '/indexes',
    {
      config: { access: 'admin', isQuery: true },
      schema: {
        tags,
        summary: 'Declare an index; it is built in the background, from the whole log',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'table'],
          properties: {
            name: { type: 'string' },
            table: { type: 'string' },
            type: { type: 'string', enum: ['equality', 'range', 'text'] },
            on: {
              description: 'A column, a path beginning with `$`, or several.',
              anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
            },
            unique: { type: 'boolean' },
            each: { type: 'boolean' },
            extractor: {
              anyOf: [
                { type: 'string', enum: ['column', 'json_path', 'bson_path', 'raw'] },
                {
                  type: 'object',
                  additionalProperties: false,
                  required: ['name', 'version'],
                  properties: { name: { type: 'string' }, version: { type: 'integer' } },
                },
              ],
            },
            keyPrefix: { type: 'string' },
          },
        },
        response: { 202: commitOutcome },
      },
    },
    async (request, reply) => {
      const { name, ...declaration } = request.body;
      const { database } = request;
      const stated = { ...declaration, wait: false };
      const outcome = await database.createIndex(name, stated, metadataOf(request));
      setOutcome(reply.code(202), outcome);
      return outcome;
    },
  );

  app.delete<{ Params: IndexPath }>(
    '/indexes/:index',
    {
      config: { access: 'admin', isQuery: true },
      schema: {
        tags,
        summary: 'Drop an index',
        params,
        headers: writeHeaders,
        querystring: noQuery,
        response: { 200: commitOutcome },
      },
    },
    async (request, reply) => {
      const outcome = await request.database.dropIndex(request.params.index, metadataOf(request));
      setOutcome(reply, outcome);
      return outcome;
    },
  );

  app.post<{ Params: IndexPath }>(
    '/indexes/:index/rebuild',
    {
      config: { access: 'admin', isQuery: true },
      schema: {
        tags,
        summary: 'Build an index again; the one that is there serves until the new one does',
        params,
        querystring: noQuery,
        response: {
          202: { type: 'object', properties: { indexes: { type: 'array', items: jsonObject } } },
        },
      },
    },
    async ({ database, params: { index } }, reply) => {
      await database.rebuildIndex(index, { wait: false });
      setMoment(reply.code(202), database.log.head);
      return { indexes: database.indexes().filter(({ name }) => name === index) };
    },
  );
}

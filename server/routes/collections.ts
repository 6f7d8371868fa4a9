import type { FastifyInstance } from 'fastify';
import type { CollectionDeclaration } from '../../database/index.ts';
import { metadataOf, setCreated, setOutcome } from '../commit-headers.ts';
import { type MomentQuery, readAt } from '../moment.ts';
import {
  commitOutcome,
  jsonObject,
  momentQuery,
  noQuery,
  pathOf,
  tableDefinition,
  writeHeaders,
} from '../schemas.ts';

interface CollectionPath {
  readonly collection: string;
}

interface Creation extends CollectionDeclaration {
  readonly name: string;
}

const tags = ['collections'];
const params = pathOf({ collection: { type: 'string' } });

/** `/collections`: how they are declared. */
export function collectionRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: MomentQuery }>(
    '/collections',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'List the collections',
        params: pathOf({}),
        querystring: momentQuery,
        response: {
          200: {
            type: 'object',
            properties: { collections: { type: 'array', items: tableDefinition } },
          },
        },
      },
    },
    async ({ database, query }, reply) =>
      readAt(database, query, reply, (reading) => ({ collections: reading.collections() })),
  );

  app.post<{ Body: Creation }>(
    '/collections',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Make a collection',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: { type: 'string' },
            schema: { ...jsonObject, description: 'JSON Schema of a document.' },
            indexes: {
              type: 'array',
              items: jsonObject,
              description: 'Each as `POST /indexes` takes it, without `table`.',
            },
          },
        },
        response: { 201: commitOutcome },
      },
    },
    async (request, reply) => {
      const { name, ...declaration } = request.body;
      const { database } = request;
      const outcome = await database.createCollection(name, declaration, metadataOf(request));
      setOutcome(reply, outcome);
      setCreated(request, reply, name);
      return outcome;
    },
  );

  app.get<{ Params: CollectionPath; Querystring: MomentQuery }>(
    '/collections/:collection',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Show how a collection is declared, and how many documents it has',
        params,
        querystring: momentQuery,
        response: {
          200: {
            type: 'object',
            properties: { ...tableDefinition.properties, documents: { type: 'integer' } },
          },
        },
      },
    },
    async ({ database, query, params: { collection } }, reply) =>
      readAt(database, query, reply, (reading) => {
        const documents = reading.collection(collection);
        return { ...documents.definition, documents: documents.count() };
      }),
  );

  app.delete<{ Params: CollectionPath }>(
    '/collections/:collection',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Drop a collection; its past stays readable',
        params,
        headers: writeHeaders,
        querystring: noQuery,
        response: { 200: commitOutcome },
      },
    },
    async (request, reply) => {
      const { database, params: path } = request;
      const { name } = database.collection(path.collection);
      const outcome = await database.dropTable(name, metadataOf(request));
      setOutcome(reply, outcome);
      return outcome;
    },
  );
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type JsonObject, TidemarkError } from '../../base/index.ts';
import type { ChangeOutcome, CollectionDeclaration, FindQuery } from '../../database/index.ts';
import { commitHeaders, metadataOf, setOutcome } from '../commit-headers.ts';
import { etagOf, isKnown, knownHeaders, preconditionHeaders, preconditionOf } from '../etag.ts';
import { mementoHeaders, negotiatedMoment, setMemento, setTimegate } from '../memento.ts';
import { type MomentQuery, momentOf, readAt } from '../moment.ts';
import {
  BATCH_ITEMS_MAX,
  changeOutcome,
  changesOutcome,
  commitOutcome,
  findQuery,
  jsonObject,
  momentQuery,
  noQuery,
  pathOf,
  readQuery,
  tableDefinition,
} from '../schemas.ts';

interface CollectionPath {
  readonly collection: string;
}

interface DocumentPath extends CollectionPath {
  readonly id: string;
}

interface Creation extends CollectionDeclaration {
  readonly name: string;
}

const HISTORY_MAX = 10_000;
const HISTORY = 1000;

const tags = ['collections'];
const params = pathOf({ collection: { type: 'string' } });
const documentParams = pathOf({ collection: { type: 'string' }, id: { type: 'string' } });
const headers = { type: 'object', properties: commitHeaders } as const;
const writeHeaders = {
  type: 'object',
  properties: { ...commitHeaders, ...preconditionHeaders },
} as const;

/** `/collections`: documents under their ids. */
export function collectionRoutes(app: FastifyInstance): void {
  declarationRoutes(app);
  insertRoutes(app);
  readingRoutes(app);
  writingRoutes(app);
}

function declarationRoutes(app: FastifyInstance): void {
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
        headers,
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
      reply.code(201).header('location', `${pathname(request.url)}/${encodeURIComponent(name)}`);
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
        headers,
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

function insertRoutes(app: FastifyInstance): void {
  app.post<{ Params: CollectionPath; Body: JsonObject }>(
    '/collections/:collection',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Insert a document, under its `_id` or an id it is given',
        params,
        headers,
        querystring: noQuery,
        body: jsonObject,
        response: { 201: changeOutcome },
      },
    },
    async (request, reply) => {
      const { database, params: path, body } = request;
      const collection = database.collection(path.collection);
      const outcome = await collection.insert(body, metadataOf(request));
      const location = `${pathname(request.url)}/${encodeURIComponent(outcome.key)}`;
      reply.code(201).header('location', location);
      return changed(reply, outcome);
    },
  );

  app.post<{ Params: CollectionPath; Body: { documents: JsonObject[] } }>(
    '/collections/:collection/batch',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Insert documents as one commit: all or none',
        params,
        headers,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['documents'],
          properties: {
            documents: { type: 'array', maxItems: BATCH_ITEMS_MAX, items: jsonObject },
          },
        },
        response: { 201: changesOutcome },
      },
    },
    async (request, reply) => {
      const { database, params: path, body } = request;
      const collection = database.collection(path.collection);
      const outcome = await collection.insertMany(body.documents, metadataOf(request));
      setOutcome(reply, outcome);
      reply.code(201);
      return outcome;
    },
  );
}

function readingRoutes(app: FastifyInstance): void {
  app.post<{ Params: CollectionPath; Body: FindQuery; Querystring: MomentQuery }>(
    '/collections/:collection/find',
    {
      config: { access: 'read', isQuery: true },
      schema: {
        tags,
        summary: 'Find documents by their members, through indexes',
        params,
        querystring: momentQuery,
        body: findQuery,
        response: { 200: jsonObject },
      },
    },
    async ({ database, query, params: path, body }, reply) =>
      readAt(database, query, reply, (reading) => reading.collection(path.collection).find(body)),
  );

  app.get<{ Params: DocumentPath; Querystring: MomentQuery }>(
    '/collections/:collection/:id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read a document; its ETag is its version',
        params: documentParams,
        headers: { type: 'object', properties: { ...mementoHeaders, ...knownHeaders } },
        querystring: readQuery({}),
        response: { 200: jsonObject },
      },
    },
    async (request, reply) => {
      setTimegate(reply);
      const query = negotiatedMoment(request.query, request);
      return readAt(request.database, query, reply, (reading) => {
        const { collection, id } = request.params;
        const found = reading.collection(collection).read(id);
        if (found === undefined) throw noDocument(request.params);
        reply.header('etag', etagOf(found.version));
        if (momentOf(query) !== undefined) {
          setMemento(request, reply, found.time, found.position);
        }
        if (isKnown(request.headers['if-none-match'], found.version)) {
          return reply.code(304).send();
        }
        return found.row;
      });
    },
  );

  app.get<{ Params: DocumentPath; Querystring: MomentQuery & { limit: number; reverse: boolean } }>(
    '/collections/:collection/:id/history',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read every version of a document, deletions included',
        params: documentParams,
        querystring: readQuery({
          limit: { type: 'integer', minimum: 1, maximum: HISTORY_MAX, default: HISTORY },
          reverse: { type: 'boolean', default: false },
        }),
        response: {
          200: {
            type: 'object',
            properties: { versions: { type: 'array', items: jsonObject } },
          },
        },
      },
    },
    async ({ database, query, params: { collection, id } }, reply) =>
      readAt(database, query, reply, (reading) => {
        const { limit, reverse } = query;
        return { versions: reading.collection(collection).history(id, { limit, reverse }) };
      }),
  );
}

function writingRoutes(app: FastifyInstance): void {
  const schema = { tags, params: documentParams, headers: writeHeaders, querystring: noQuery };
  const response = { 200: changeOutcome };

  app.put<{ Params: DocumentPath; Body: JsonObject }>(
    '/collections/:collection/:id',
    {
      config: { access: 'write' },
      schema: {
        ...schema,
        summary: 'Put a document under an id, whether there is one or not',
        body: jsonObject,
        response,
      },
    },
    async (request, reply) => changed(reply, await putDocument(request)),
  );

  app.patch<{ Params: DocumentPath; Body: JsonObject }>(
    '/collections/:collection/:id',
    {
      config: { access: 'write' },
      schema: {
        ...schema,
        summary: 'Merge a patch into a document (RFC 7396)',
        body: jsonObject,
        response,
      },
    },
    async (request, reply) => {
      const { database, params: path, body } = request;
      const collection = database.collection(path.collection);
      return changed(reply, await collection.update(path.id, body, guarded(request)));
    },
  );

  app.delete<{ Params: DocumentPath }>(
    '/collections/:collection/:id',
    {
      config: { access: 'write' },
      schema: { ...schema, summary: 'Delete a document; its past stays readable', response },
    },
    async (request, reply) => {
      const { database, params: path } = request;
      const collection = database.collection(path.collection);
      return changed(reply, await collection.delete(path.id, guarded(request)));
    },
  );
}

type PutRequest = FastifyRequest<{ Params: DocumentPath; Body: JsonObject }>;

/** @throws KEY_IMMUTABLE if the document has another id than the address */
function putDocument(request: PutRequest): Promise<ChangeOutcome> {
  const { database, params: path, body } = request;
  const collection = database.collection(path.collection);
  const { mustExist } = preconditionOf(request.headers) ?? {};
  if (mustExist === true) return collection.replace(path.id, body, guarded(request));
  const { _id: stated = path.id } = body;
  if (stated === path.id) return collection.upsert({ ...body, _id: stated }, guarded(request));
  throw new TidemarkError(
    'KEY_IMMUTABLE',
    `the document says its id is ${JSON.stringify(stated)}, the address says ${JSON.stringify(path.id)}`,
    { table: path.collection },
  );
}

function guarded(request: FastifyRequest) {
  const { expectedVersion } = preconditionOf(request.headers) ?? {};
  return { ...metadataOf(request), expectedVersion };
}

function changed(reply: FastifyReply, outcome: ChangeOutcome): ChangeOutcome {
  setOutcome(reply, outcome);
  reply.header('etag', etagOf(outcome.version));
  return outcome;
}

function noDocument({ collection, id }: DocumentPath): TidemarkError {
  return new TidemarkError(
    'ROW_NOT_FOUND',
    `collection ${collection} has no document under ${JSON.stringify(id.slice(0, 64))}`,
    { table: collection, key: id },
  );
}

function pathname(url: string): string {
  return url.split('?', 1)[0]!;
}

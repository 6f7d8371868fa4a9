import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type JsonObject, TidemarkError } from '../../base/index.ts';
import type { ChangeOutcome, FindQuery } from '../../database/index.ts';
import { metadataOf, setCreated, setOutcome } from '../commit-headers.ts';
import { preconditionOf } from '../etag.ts';
import { negotiatedMoment, setTimegate } from '../memento.ts';
import { type MomentQuery, readAt } from '../moment.ts';
import {
  changeHeaders,
  changeOptions,
  readHeaders,
  setChange,
  setVersion,
} from '../row-version.ts';
import {
  BATCH_ITEMS_MAX,
  changeOutcome,
  changesOutcome,
  findQuery,
  historyParameters,
  jsonObject,
  momentQuery,
  noQuery,
  pathOf,
  readQuery,
  writeHeaders,
} from '../schemas.ts';

interface CollectionPath {
  readonly collection: string;
}

interface DocumentPath extends CollectionPath {
  readonly id: string;
}

const tags = ['collections'];
const params = pathOf({ collection: { type: 'string' } });
const documentParams = pathOf({ collection: { type: 'string' }, id: { type: 'string' } });

/** `/collections/{collection}` and `/collections/{collection}/{id}`: documents under their ids. */
export function documentRoutes(app: FastifyInstance): void {
  insertRoutes(app);
  readingRoutes(app);
  writingRoutes(app);
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
        headers: writeHeaders,
        querystring: noQuery,
        body: jsonObject,
        response: { 201: changeOutcome },
      },
    },
    async (request, reply) => {
      const { database, params: path, body } = request;
      const collection = database.collection(path.collection);
      const outcome = await collection.insert(body, metadataOf(request));
      setCreated(request, reply, String(outcome.key));
      return setChange(reply, outcome);
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
        headers: writeHeaders,
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
        headers: readHeaders,
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
        const isKnown = setVersion(request, reply, query, { ...found, time: () => found.time });
        return isKnown ? reply.code(304).send() : found.row;
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
        querystring: readQuery(historyParameters),
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
  const schema = { tags, params: documentParams, headers: changeHeaders, querystring: noQuery };
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
    async (request, reply) => setChange(reply, await putDocument(request)),
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
      return setChange(reply, await collection.update(path.id, body, changeOptions(request)));
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
      return setChange(reply, await collection.delete(path.id, changeOptions(request)));
    },
  );
}

type PutRequest = FastifyRequest<{ Params: DocumentPath; Body: JsonObject }>;

/** @throws KEY_IMMUTABLE if the document has another id than the address */
function putDocument(request: PutRequest): Promise<ChangeOutcome> {
  const { database, params: path, body } = request;
  const collection = database.collection(path.collection);
  const { mustExist } = preconditionOf(request.headers) ?? {};
  if (mustExist === true) return collection.replace(path.id, body, changeOptions(request));
  const { _id: stated = path.id } = body;
  if (stated === path.id)
    return collection.upsert({ ...body, _id: stated }, changeOptions(request));
  throw new TidemarkError(
    'KEY_IMMUTABLE',
    `the document says its id is ${JSON.stringify(stated)}, the address says ${JSON.stringify(path.id)}`,
    { table: path.collection },
  );
}

function noDocument({ collection, id }: DocumentPath): TidemarkError {
  return new TidemarkError(
    'ROW_NOT_FOUND',
    `collection ${collection} has no document under ${JSON.stringify(id.slice(0, 64))}`,
    { table: collection, key: id },
  );
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type JsonValue, TidemarkError } from '../../base/index.ts';
import type { CommitMetadata, KeyToSet, KeyValue } from '../../database/index.ts';
import { metadataOf, setOutcome } from '../commit-headers.ts';
import { preconditionOf } from '../etag.ts';
import { type KeyAddress, keyOfAddress, keyParameters } from '../key-address.ts';
import { anyValue, keyEntry, shownEntry } from '../key-entry.ts';
import { negotiatedMoment, setTimegate } from '../memento.ts';
import { type MomentQuery, readAt } from '../moment.ts';
import { changeHeaders, readHeaders, setChange, setVersion } from '../row-version.ts';
import {
  BATCH_ITEMS_MAX,
  changeOutcome,
  changesOutcome,
  noQuery,
  pathOf,
  readQuery,
  writeHeaders,
} from '../schemas.ts';
import { shownValue } from '../shown-value.ts';

interface KeyPath {
  readonly key: string;
}

type ReadKeyQuery = MomentQuery & KeyAddress;

/** Versions in one answer. */
const HISTORY_MAX = 10_000;
const HISTORY = 100;
const BYTES = 'application/octet-stream';

const tags = ['keys'];
const params = pathOf({ key: { type: 'string' } });
const versions = { type: 'array', items: keyEntry } as const;
const addressQuery = {
  type: 'object',
  additionalProperties: false,
  properties: keyParameters,
} as const;
const keyText = { type: 'string' } as const;
const historyParameters = {
  limit: { type: 'integer', minimum: 1, maximum: HISTORY_MAX, default: HISTORY },
  reverse: { type: 'boolean' },
} as const;

/** `/keys/{key}` and `/keys/batch`: values under keys. Its routes have a scope of their own: they take bytes. */
export async function keyRoutes(app: FastifyInstance): Promise<void> {
  app.addContentTypeParser(BYTES, { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  entryRoutes(app);
  writingRoutes(app);
  batchRoutes(app);
}

function entryRoutes(app: FastifyInstance): void {
  app.get<{ Params: KeyPath; Querystring: ReadKeyQuery }>(
    '/keys/:key',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read the value under a key; its ETag is its version',
        description: `Bytes as \`${BYTES}\`, or as JSON with \`Accept: application/json\`.`,
        params,
        headers: readHeaders,
        querystring: readQuery(keyParameters),
        response: { 200: anyValue },
      },
    },
    async (request, reply) => {
      setTimegate(reply);
      const query = negotiatedMoment(request.query, request);
      const key = keyOfAddress(request.params.key, request.query);
      return readAt(request.database, query, reply, ({ keys }) => {
        const found = keys.read(key);
        if (found === undefined) throw noKey(key);
        const isKnown = setVersion(request, reply, query, { ...found, time: () => found.time });
        return isKnown ? reply.code(304).send() : sendValue(request, reply, found.value);
      });
    },
  );

  app.get<{ Params: KeyPath; Querystring: ReadKeyQuery & { limit: number; reverse?: boolean } }>(
    '/keys/:key/history',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read every version of what lay under a key, deletions included',
        params,
        querystring: readQuery({ ...keyParameters, ...historyParameters }),
        response: {
          200: {
            type: 'object',
            properties: { versions },
          },
        },
      },
    },
    async ({ database, query, params: path }, reply) =>
      readAt(database, query, reply, ({ keys }) => {
        const options = { limit: query.limit, reverse: query.reverse === true };
        const versions = keys.history(keyOfAddress(path.key, query), options);
        return { versions: versions.map(shownEntry) };
      }),
  );
}

function writingRoutes(app: FastifyInstance): void {
  app.put<{ Params: KeyPath; Querystring: KeyAddress; Body: JsonValue | Buffer | undefined }>(
    '/keys/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Put a value under a key, whether there was one or not',
        params,
        headers: changeHeaders,
        querystring: addressQuery,
        body: {
          content: {
            'application/json': { schema: anyValue },
            [BYTES]: { schema: { description: 'The bytes of a raw value.' } },
          },
        },
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => {
      const key = keyOfAddress(request.params.key, request.query);
      const { keys } = request.database;
      return setChange(reply, await keys.set(key, bodyOf(request), guarded(request, key)));
    },
  );

  app.delete<{ Params: KeyPath; Querystring: KeyAddress }>(
    '/keys/:key',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Take a key away; its past stays readable. If there is none, nothing changes',
        params,
        headers: changeHeaders,
        querystring: addressQuery,
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => {
      const key = keyOfAddress(request.params.key, request.query);
      return setChange(reply, await request.database.keys.delete(key, guarded(request, key)));
    },
  );
}

function batchRoutes(app: FastifyInstance): void {
  app.post<{ Body: { entries: KeyToSet[] } }>(
    '/keys/batch',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Put values under keys as one commit: all or none',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['entries'],
          properties: {
            entries: {
              type: 'array',
              maxItems: BATCH_ITEMS_MAX,
              items: {
                type: 'object',
                additionalProperties: false,
                required: ['key', 'value'],
                properties: {
                  key: keyText,
                  value: anyValue,
                  expectedVersion: { type: 'integer', minimum: 0 },
                },
              },
            },
          },
        },
        response: { 200: changesOutcome },
      },
    },
    async (request, reply) => {
      const { database, body } = request;
      const outcome = await database.keys.setMany(body.entries, metadataOf(request));
      setOutcome(reply, outcome);
      return outcome;
    },
  );

  app.delete<{ Body: { keys: string[] } }>(
    '/keys/batch',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Take keys away as one commit; those that are not there change nothing',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['keys'],
          properties: { keys: { type: 'array', maxItems: BATCH_ITEMS_MAX, items: keyText } },
        },
        response: { 200: changesOutcome },
      },
    },
    async (request, reply) => {
      const { database, body } = request;
      const outcome = await database.keys.deleteMany(body.keys, metadataOf(request));
      setOutcome(reply, outcome);
      return outcome;
    },
  );
}

/** An empty body of bytes is a value, too. */
function bodyOf({ body, database }: FastifyRequest<{ Body: JsonValue | Buffer | undefined }>) {
  if (body !== undefined || database.keys.codec !== 'raw') return body as KeyValue;
  return Buffer.alloc(0);
}

/** What `If-Match` and `If-None-Match` ask, as the version expected. @throws KEY_NOT_FOUND */
function guarded(
  request: FastifyRequest,
  key: string,
): CommitMetadata & { expectedVersion?: number } {
  const { expectedVersion, mustExist } = preconditionOf(request.headers) ?? {};
  const metadata = metadataOf(request);
  if (mustExist !== true) {
    return expectedVersion === undefined ? metadata : { ...metadata, expectedVersion };
  }
  const present = request.database.keys.read(key);
  if (present === undefined) throw noKey(key);
  return { ...metadata, expectedVersion: present.version };
}

function sendValue(request: FastifyRequest, reply: FastifyReply, value: KeyValue): FastifyReply {
  const isBytes = value instanceof Uint8Array;
  if (isBytes && request.headers.accept?.includes('application/json') !== true) {
    return reply.type(BYTES).send(value);
  }
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(shownValue(value)));
}

function noKey(key: string): TidemarkError {
  return new TidemarkError(
    'KEY_NOT_FOUND',
    `there is nothing under the key ${JSON.stringify(key.slice(0, 64))}`,
    { key },
  );
}

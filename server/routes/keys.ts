import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type JsonValue, TidemarkError } from '../../base/index.ts';
import type {
  ChangeOutcome,
  CommitMetadata,
  KeyEntry,
  KeyRange,
  KeyToSet,
  KeyValue,
} from '../../database/index.ts';
import { commitHeaders, metadataOf, setOutcome } from '../commit-headers.ts';
import { etagOf, isKnown, knownHeaders, preconditionHeaders, preconditionOf } from '../etag.ts';
import { type KeyAddress, keyOfAddress, keyParameters } from '../key-address.ts';
import { asksForLines, LineStream, linesOf, NDJSON } from '../line-stream.ts';
import { mementoHeaders, negotiatedMoment, setMemento, setTimegate } from '../memento.ts';
import { type MomentQuery, momentOf, readAt, setMoment } from '../moment.ts';
import {
  BATCH_ITEMS_MAX,
  changeOutcome,
  changesOutcome,
  noQuery,
  pathOf,
  readQuery,
} from '../schemas.ts';
import { shownValue } from '../shown-value.ts';

interface KeyPath {
  readonly key: string;
}

interface RangeQuery extends MomentQuery {
  readonly prefix?: string;
  readonly from?: string;
  readonly after?: string;
  readonly to?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

interface SearchQuery extends MomentQuery {
  readonly q?: string;
  readonly prefix?: string;
  readonly after?: string;
  readonly limit: number;
}

type ReadKeyQuery = MomentQuery & KeyAddress;

const PAGE_KEYS = 100;
const PAGE_KEYS_MAX = 10_000;
/** A page of entries ends before its limit when it is this large. */
const PAGE_CHARS = 8 * 1024 * 1024;
const BYTES = 'application/octet-stream';

const tags = ['keys'];
const params = pathOf({ key: { type: 'string' } });
const anyValue = {
  description: 'A value as the codec has it; bytes as `{"$base64": …}`.',
} as const;
const keyText = { type: 'string' } as const;
const limit = { type: 'integer', minimum: 1, maximum: PAGE_KEYS_MAX, default: PAGE_KEYS } as const;
const after = {
  type: 'string',
  description: 'The key to go on behind: `next` of a page.',
} as const;
const entry = {
  type: 'object',
  properties: {
    key: keyText,
    value: anyValue,
    version: { type: 'integer' },
    position: { type: 'integer' },
    time: { type: 'string', format: 'date-time' },
  },
} as const;
const range = {
  prefix: { type: 'string' },
  from: { type: 'string', description: 'The first key, inclusive.' },
  after,
  to: { type: 'string', description: 'The key to end before, exclusive.' },
  reverse: { type: 'boolean' },
} as const;
const next = {
  type: 'string',
  description: 'The last key of a page that is not the last.',
} as const;
const commitHeaderSchema = { type: 'object', properties: commitHeaders } as const;
const writeHeaders = {
  type: 'object',
  properties: { ...commitHeaders, ...preconditionHeaders },
} as const;

/** `/keys` and `/scan`: the key space. Its routes have a scope of their own: they take bytes. */
export async function keyRoutes(app: FastifyInstance): Promise<void> {
  app.addContentTypeParser(BYTES, { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  listRoutes(app);
  entryRoutes(app);
  writingRoutes(app);
  batchRoutes(app);
}

function listRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: RangeQuery }>(
    '/keys',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'List keys in order, without their values',
        params: pathOf({}),
        querystring: readQuery({ ...range, limit }),
        response: {
          200: {
            type: 'object',
            properties: { keys: { type: 'array', items: keyText }, next },
          },
        },
      },
    },
    async ({ database, query }, reply) =>
      readAt(database, query, reply, ({ keys }) => {
        const most = query.limit ?? PAGE_KEYS;
        const found = [...keys.keys({ ...rangeOf(query), limit: most + 1 })];
        const page = found.slice(0, most);
        return { keys: page, ...(found.length > most ? { next: page.at(-1) } : {}) };
      }),
  );

  app.get<{ Querystring: SearchQuery }>(
    '/keys/search',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Find keys that begin with a prefix and contain a text',
        params: pathOf({}),
        querystring: readQuery({ q: { type: 'string' }, prefix: { type: 'string' }, after, limit }),
        response: {
          200: { type: 'object', properties: { entries: { type: 'array', items: entry } } },
        },
      },
    },
    async ({ database, query }, reply) =>
      readAt(database, query, reply, ({ keys }) => {
        const { q, prefix, after: last, limit: most } = query;
        return { entries: keys.search({ q, prefix, after: last, limit: most }).map(shownEntry) };
      }),
  );

  app.get<{ Querystring: RangeQuery }>(
    '/scan',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read entries in key order, in pages or as a stream of lines',
        description: `As JSON, a page of ${PAGE_KEYS} entries or \`limit\`, and \`next\`. With \`Accept: ${NDJSON}\` all of them, one a line.`,
        params: pathOf({}),
        querystring: readQuery({ ...range, limit: { type: 'integer', minimum: 1 } }),
        response: {
          200: {
            type: 'object',
            properties: { entries: { type: 'array', items: entry }, next },
          },
        },
      },
    },
    async (request, reply) => {
      if (asksForLines(request.headers.accept)) return sendLines(request, reply);
      return readAt(request.database, request.query, reply, ({ keys }) =>
        pageOf(request.query, (wanted) => keys.scan(wanted)),
      );
    },
  );
}

/** @throws ARGUMENT_INVALID for a limit that is for lines only */
function pageOf(query: RangeQuery, scan: (range: KeyRange) => Iterable<KeyEntry>) {
  const most = query.limit ?? PAGE_KEYS;
  if (most > PAGE_KEYS_MAX) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `limit is ${most}; allowed: 1 to ${PAGE_KEYS_MAX}, or any with Accept: ${NDJSON}`,
    );
  }
  const entries: object[] = [];
  let last: string | undefined;
  let chars = 0;
  for (const each of scan({ ...rangeOf(query), limit: most + 1 })) {
    if (entries.length === most || chars > PAGE_CHARS) return { entries, next: last };
    const shown = shownEntry(each);
    chars += JSON.stringify(shown).length;
    entries.push(shown);
    last = each.key;
  }
  return { entries };
}

function sendLines(
  { database, query }: FastifyRequest<{ Querystring: RangeQuery }>,
  reply: FastifyReply,
): FastifyReply {
  const view = database.asOf(momentOf(query) ?? { position: database.log.head.position });
  setMoment(reply, view);
  const found = view.keys.scan({ ...rangeOf(query), limit: query.limit });
  return reply.type(NDJSON).send(new LineStream(linesOf(shownEntries(found), () => view.close())));
}

function* shownEntries(entries: Iterable<KeyEntry>): Generator<object> {
  for (const each of entries) yield shownEntry(each);
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
        headers: { type: 'object', properties: { ...mementoHeaders, ...knownHeaders } },
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
        reply.header('etag', etagOf(found.version));
        if (momentOf(query) !== undefined) {
          setMemento(request, reply, found.time, found.position);
        }
        if (isKnown(request.headers['if-none-match'], found.version)) {
          return reply.code(304).send();
        }
        return sendValue(request, reply, found.value);
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
        querystring: readQuery({ ...keyParameters, limit, reverse: { type: 'boolean' } }),
        response: {
          200: {
            type: 'object',
            properties: { versions: { type: 'array', items: entry } },
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
        headers: writeHeaders,
        querystring: { type: 'object', additionalProperties: false, properties: keyParameters },
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
      return changed(reply, await keys.set(key, bodyOf(request), guarded(request, key)));
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
        headers: writeHeaders,
        querystring: { type: 'object', additionalProperties: false, properties: keyParameters },
        response: { 200: changeOutcome },
      },
    },
    async (request, reply) => {
      const key = keyOfAddress(request.params.key, request.query);
      return changed(reply, await request.database.keys.delete(key, guarded(request, key)));
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
        headers: commitHeaderSchema,
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
        headers: commitHeaderSchema,
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

function shownEntry<T extends { readonly value?: KeyValue }>(each: T): object {
  return each.value === undefined ? each : { ...each, value: shownValue(each.value) };
}

function rangeOf({ prefix, from, after: last, to, reverse }: RangeQuery): KeyRange {
  return { prefix, from, after: last, to, reverse };
}

function changed(reply: FastifyReply, outcome: ChangeOutcome): ChangeOutcome {
  setOutcome(reply, outcome);
  if (outcome.version > 0) reply.header('etag', etagOf(outcome.version));
  return outcome;
}

function noKey(key: string): TidemarkError {
  return new TidemarkError(
    'KEY_NOT_FOUND',
    `there is nothing under the key ${JSON.stringify(key.slice(0, 64))}`,
    { key },
  );
}

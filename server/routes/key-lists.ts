import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidemarkError } from '../../base/index.ts';
import type { KeyEntry, KeyRange } from '../../database/index.ts';
import { keyEntry, shownEntry } from '../key-entry.ts';
import { asksForLines, LineStream, linesOf, NDJSON } from '../line-stream.ts';
import { type MomentQuery, momentOf, readAt, setMoment } from '../moment.ts';
import { pathOf, readQuery } from '../schemas.ts';

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

const PAGE_KEYS = 100;
const PAGE_KEYS_MAX = 10_000;
/** A page of entries ends before its limit when it is this large. */
const PAGE_CHARS = 8 * 1024 * 1024;

const tags = ['keys'];
const limit = { type: 'integer', minimum: 1, maximum: PAGE_KEYS_MAX, default: PAGE_KEYS } as const;
const after = {
  type: 'string',
  description: 'The key to go on behind: `next` of a page.',
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

/** `/keys`, `/keys/search` and `/scan`: many keys in order. */
export function keyListRoutes(app: FastifyInstance): void {
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
            properties: { keys: { type: 'array', items: { type: 'string' } }, next },
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
          200: { type: 'object', properties: { entries: { type: 'array', items: keyEntry } } },
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
            properties: { entries: { type: 'array', items: keyEntry }, next },
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

function rangeOf({ prefix, from, after: last, to, reverse }: RangeQuery): KeyRange {
  return { prefix, from, after: last, to, reverse };
}

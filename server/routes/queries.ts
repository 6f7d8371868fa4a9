import type { FastifyInstance } from 'fastify';
import { type JsonValue, TidemarkError } from '../../base/index.ts';
import type { Database, FindQuery, IndexStatus } from '../../database/index.ts';
import { type MomentQuery, momentOf, openReading, setMoment } from '../moment.ts';
import { findQuery, jsonObject, momentQuery, pathOf, readQuery } from '../schemas.ts';

interface FindParameters extends MomentQuery {
  readonly explain?: boolean;
}

interface IndexQuery {
  readonly index: string;
  readonly term: JsonValue;
  readonly cursor?: string;
  readonly limit?: number;
}

const tags = ['queries'];
const page = {
  type: 'object',
  properties: {
    rows: { type: 'array', items: jsonObject },
    next: { type: 'string', description: 'Cursor of the page behind this one.' },
    previous: { type: 'string', description: 'Cursor of the page before this one.' },
    position: { type: 'integer' },
    time: { type: 'string', format: 'date-time' },
    order: { type: 'array', items: jsonObject },
    plan: jsonObject,
    statistics: jsonObject,
  },
} as const;

/** `/tables/{table}/find` and `/query`: rows by what is in them. */
export function queryRoutes(app: FastifyInstance): void {
  app.post<{ Params: { table: string }; Body: FindQuery; Querystring: FindParameters }>(
    '/tables/:table/find',
    {
      config: { access: 'read', isQuery: true },
      schema: {
        tags,
        summary: 'Find rows by their values, through indexes',
        description:
          'Never reads a whole table unless `allowScan` is set; a query that no index serves is refused, with the index that would.',
        params: pathOf({ table: { type: 'string' } }),
        querystring: readQuery({
          explain: { type: 'boolean', description: 'Only says how it would be answered.' },
        }),
        body: findQuery,
        response: { 200: page },
      },
    },
    async ({ database, query, params, body }, reply) => {
      const { reading, moment, close } = openReading(database, momentOf(query));
      try {
        const table = reading.table(params.table);
        const found = query.explain === true ? table.explain(body) : table.find(body);
        // A cursor has a moment of its own.
        const { position, time } = found;
        setMoment(reply, position === moment.position ? moment : { position, time });
        return found;
      } finally {
        close();
      }
    },
  );

  app.post<{ Body: IndexQuery; Querystring: MomentQuery }>(
    '/query',
    {
      config: { access: 'read', isQuery: true },
      schema: {
        tags,
        summary: 'Find the rows that an index has under a term',
        params: pathOf({}),
        querystring: momentQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['index', 'term'],
          properties: {
            index: { type: 'string' },
            term: {
              description:
                'The value; a list of values for an index on several columns; words for a text index.',
            },
            cursor: { type: 'string' },
            limit: findQuery.properties.limit,
          },
        },
        response: { 200: page },
      },
    },
    async ({ database, query, body }, reply) => {
      const { cursor, limit } = body;
      const index = indexNamed(database, body.index);
      const { reading, moment, close } = openReading(database, momentOf(query));
      try {
        const where = conditionsOf(index, body.term);
        const found = reading
          .table(index.table)
          .find({ where, keyPrefix: index.keyPrefix, cursor, limit });
        const { position, time } = found;
        setMoment(reply, position === moment.position ? moment : { position, time });
        return found;
      } finally {
        close();
      }
    },
  );
}

function indexNamed(database: Database, name: string): IndexStatus {
  const index = database.indexes().find((each) => each.name === name);
  if (index !== undefined) return index;
  const shown = JSON.stringify(name.slice(0, 64));
  throw new TidemarkError('INDEX_UNKNOWN', `there is no index ${shown}`, { index: name });
}

function conditionsOf({ name, type, on }: IndexStatus, term: JsonValue): FindQuery['where'] {
  const values = on.length > 1 && Array.isArray(term) ? term : [term];
  if (on.length === 0 || values.length > on.length) {
    const what =
      on.length === 0 ? 'its terms are not values of columns' : `it is on ${on.join(', ')}`;
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `index ${name} cannot be asked for this term: ${what}; allowed: one value for each column, or the first of them`,
      { index: name, on },
    );
  }
  const conditions = values.map((value: JsonValue, at): [string, JsonValue] => {
    if (type === 'text') return [on[at]!, { match: value }];
    return [on[at]!, { eq: value }];
  });
  return Object.fromEntries(conditions) as FindQuery['where'];
}

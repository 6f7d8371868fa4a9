import type { FastifyInstance } from 'fastify';
import type { Database, LogQuery, RowKey } from '../../database/index.ts';
import { asksForLines, LineStream, linesOf, NDJSON } from '../line-stream.ts';
import { type MomentQuery, momentOf, openReading, setMoment } from '../moment.ts';
import { keyOfPath } from '../path-key.ts';
import { jsonObject, key, noQuery, pathOf, readQuery } from '../schemas.ts';

interface LogParameters extends MomentQuery {
  readonly from?: number;
  readonly to?: number;
  readonly since?: string;
  readonly until?: string;
  readonly table?: string;
  readonly key?: string;
  readonly actor?: string;
  readonly correlation_id?: string;
  readonly op?: 'insert' | 'update' | 'delete';
  readonly changed?: string;
  readonly reverse?: boolean;
  readonly commits?: boolean;
  readonly limit?: number;
}

const EVENTS = 100;
const EVENTS_MAX = 10_000;

const tags = ['log'];
const metadata = {
  actor: { type: 'string' },
  reason: { type: 'string' },
  correlationId: { type: 'string' },
  fields: jsonObject,
} as const;
const event = {
  type: 'object',
  properties: {
    position: { type: 'integer' },
    time: { type: 'string', format: 'date-time' },
    table: { type: 'string' },
    key,
    op: { type: 'string', enum: ['insert', 'update', 'delete'] },
    version: { type: 'integer' },
    schemaVersion: { type: 'integer' },
    row: jsonObject,
    ...metadata,
    commit: {
      type: 'object',
      properties: { from: { type: 'integer' }, to: { type: 'integer' } },
    },
  },
} as const;
const commit = {
  type: 'object',
  properties: {
    position: { type: 'integer' },
    firstPosition: { type: 'integer' },
    time: { type: 'string', format: 'date-time' },
    ...metadata,
    events: { type: 'array', items: event },
  },
} as const;
const limit = { type: 'integer', minimum: 1, maximum: EVENTS_MAX } as const;
const position = { type: 'integer', minimum: 0 } as const;

/** `/log`: who changed what, when, and why. */
export function logRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: LogParameters }>(
    '/log',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read the log: events, or whole commits, that pass all conditions',
        description: `As JSON ${EVENTS} of them, or \`limit\`; \`next\` is the \`from\` (\`to\` if \`reverse\`) to go on with. With \`Accept: ${NDJSON}\` all, one a line.`,
        params: pathOf({}),
        querystring: readQuery({
          from: { ...position, description: 'The first position, inclusive.' },
          to: { ...position, description: 'The last position, inclusive.' },
          since: { type: 'string', description: 'The first time, inclusive.' },
          until: { type: 'string', description: 'The last time, inclusive.' },
          table: { type: 'string' },
          key: { type: 'string', description: 'Needs `table`.' },
          actor: { type: 'string' },
          correlation_id: { type: 'string' },
          op: { type: 'string', enum: ['insert', 'update', 'delete'] },
          changed: { type: 'string', description: 'Updates that change this column.' },
          reverse: { type: 'boolean', description: 'Newest first.' },
          commits: { type: 'boolean', description: 'Whole commits in which an event passes.' },
          limit,
        }),
        response: {
          200: {
            type: 'object',
            properties: {
              events: { type: 'array', items: event },
              commits: { type: 'array', items: commit },
              next: { type: 'integer', description: 'Absent where there is no more.' },
            },
          },
        },
      },
    },
    async ({ database, query, headers }, reply) => {
      const { moment, close } = openReading(database, momentOf(query));
      close();
      setMoment(reply, moment);
      const filter = filterOf(database, query, moment.position);
      const read = query.commits === true ? 'commits' : 'read';
      if (asksForLines(headers.accept)) {
        const lines = linesOf(database.log[read]({ ...filter, limit: query.limit }), () => {});
        return reply.type(NDJSON).send(new LineStream(lines));
      }
      const most = query.limit ?? EVENTS;
      const found = [...database.log[read]({ ...filter, limit: most + 1 })];
      const next = found.length > most ? found.pop()?.position : undefined;
      const name = query.commits === true ? 'commits' : 'events';
      return { [name]: found, ...(next === undefined ? {} : { next }) };
    },
  );

  app.get<{ Params: { position: number } }>(
    '/log/:position',
    {
      config: { access: 'audit' },
      schema: {
        tags,
        summary: 'Read the commit that holds a position',
        params: pathOf({ position: { type: 'integer', minimum: 1 } }),
        querystring: noQuery,
        response: { 200: commit },
      },
    },
    async ({ database, params }, reply) => {
      const found = database.log.commit(params.position);
      setMoment(reply, found);
      return found;
    },
  );
}

function filterOf(database: Database, query: LogParameters, head: number): LogQuery {
  const { from, to, since, until, table, actor, op, changed, reverse } = query;
  return {
    from,
    to: Math.min(to ?? head, head),
    since,
    until,
    table,
    key: query.key === undefined ? undefined : keyIn(database, query.key, table),
    actor,
    correlationId: query.correlation_id,
    op,
    changed,
    reverse,
  };
}

/** The log knows tables that are dropped; what their keys were like, their events show. */
function keyIn(database: Database, text: string, table: string | undefined): RowKey {
  if (table === undefined) return text; // The log refuses it, and says why.
  const definition = database.tables().find(({ name }) => name === table);
  if (definition !== undefined) return keyOfPath(text, definition);
  for (const { key: first } of database.log.read({ table, limit: 1 })) {
    const keyType = typeof first === 'number' ? 'integer' : 'string';
    return keyOfPath(text, { name: table, keyType });
  }
  return text;
}

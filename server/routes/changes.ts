import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TidemarkError } from '../../base/index.ts';
import type { LoggedCommit } from '../../database/index.ts';
import { ChangeStream, readEventId } from '../change-stream.ts';
import type { Followers } from '../followers.ts';
import { pathOf } from '../schemas.ts';

interface ChangesQuery {
  readonly from?: number;
  readonly table?: string;
}

type ChangesRequest = FastifyRequest<{ Querystring: ChangesQuery }>;

const EVENT_STREAM = 'text/event-stream';

/** `/changes`: commits from a position on, and then each as it becomes durable. */
export function changeRoutes(app: FastifyInstance, followers: Followers): void {
  app.get<{ Querystring: ChangesQuery }>(
    '/changes',
    {
      config: { access: 'audit' },
      schema: {
        tags: ['log'],
        summary: 'Follow the changes as server-sent events, a commit each',
        description:
          'Without a gap and without a repeat: after `Last-Event-ID` where a connection was lost, else from the position `from`, else from now on. A history that was restored is another one: `HISTORY_CHANGED`.',
        params: pathOf({}),
        headers: {
          type: 'object',
          properties: {
            'last-event-id': { type: 'string', description: 'Of the last event seen.' },
          },
        },
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            from: { type: 'integer', minimum: 0, description: 'The first position to send.' },
            table: { type: 'string', description: 'Only commits that change this table.' },
          },
        },
        response: {
          200: { content: { [EVENT_STREAM]: { schema: { type: 'string' } } } },
        },
      },
    },
    async (request, reply) => {
      const { database, query } = request;
      const { from, generation } = startOf(request);
      if (query.table !== undefined && query.table !== '$catalog') database.table(query.table);
      const { follower, signal } = followers.add(request.instanceName, from - 1);
      try {
        const commits = database.log.follow({ from, generation, signal });
        const source = { commits, generation: database.generation, passes: passing(query.table) };
        reply.type(EVENT_STREAM).header('cache-control', 'no-store');
        // A connection that is kept for a next request would hold up the end of the service.
        reply.header('connection', 'close');
        // Headers go out at once, though the first commit may be hours away.
        return reply.send(new ChangeStream(source, follower, followers));
      } catch (error) {
        followers.remove(follower);
        throw error;
      }
    },
  );
}

/** @throws ARGUMENT_INVALID if the event id is none of ours */
function startOf({ database, query, headers }: ChangesRequest) {
  const last = headers['last-event-id'];
  if (last === undefined || last === '') {
    return { from: query.from ?? database.log.head.position + 1, generation: undefined };
  }
  const seen = readEventId(String(last));
  if (seen !== undefined) return { from: seen.position + 1, generation: seen.generation };
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    'Last-Event-ID is none that this service gives; allowed: that of an event of /changes',
  );
}

function passing(table: string | undefined) {
  return ({ events }: LoggedCommit) =>
    table === undefined || events.some((event) => event.table === table);
}

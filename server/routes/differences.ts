import type { FastifyInstance } from 'fastify';
import { TidemarkError } from '../../base/index.ts';
import type { MomentInput } from '../../database/index.ts';
import { setMoment } from '../moment.ts';
import { jsonObject, key, pathOf } from '../schemas.ts';

interface DifferenceParameters {
  readonly from?: number;
  readonly to?: number;
  readonly since?: string;
  readonly until?: string;
  readonly table?: string;
  readonly all?: boolean;
  readonly limit: number;
}

const DIFFERENCES = 1000;
const DIFFERENCES_MAX = 100_000;

const position = { type: 'integer', minimum: 0 } as const;

/** `/diff`: what changed from one moment to another. */
export function differenceRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: DifferenceParameters }>(
    '/diff',
    {
      config: { access: 'audit' },
      schema: {
        tags: ['log'],
        summary: 'Compare two moments: net per row, or every change',
        description:
          'From `since` (a time) or `from` (a position) to `until` or `to`, or to now. What was there at the first moment is not part of it. The second may lie before the first.',
        params: pathOf({}),
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            from: position,
            to: position,
            since: { type: 'string' },
            until: { type: 'string' },
            table: { type: 'string' },
            all: { type: 'boolean', description: 'Every change instead of the net effect.' },
            limit: { type: 'integer', minimum: 1, maximum: DIFFERENCES_MAX, default: DIFFERENCES },
          },
        },
        response: {
          200: {
            type: 'object',
            properties: {
              differences: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    table: { type: 'string' },
                    key,
                    op: { type: 'string', enum: ['insert', 'update', 'delete'] },
                    before: jsonObject,
                    after: jsonObject,
                    position: { type: 'integer' },
                    time: { type: 'string', format: 'date-time' },
                    version: { type: 'integer' },
                    changes: { type: 'integer' },
                  },
                },
              },
              more: { type: 'boolean', description: 'Whether the limit cut it short.' },
            },
          },
        },
      },
    },
    async ({ database, query }, reply) => {
      const { from, to, since, until, limit, table, all } = query;
      const first = momentFrom('from', from, 'since', since);
      const second = momentFrom('to', to, 'until', until);
      if (first === undefined) {
        throw new TidemarkError('ARGUMENT_INVALID', 'a difference begins at `from` or `since`');
      }
      const end = second ?? { position: database.log.head.position };
      const found = database.diff(first, end, { table, all, limit: limit + 1 });
      const view = database.asOf(end);
      setMoment(reply, view);
      view.close();
      return { differences: found.slice(0, limit), more: found.length > limit };
    },
  );
}

/** @throws ARGUMENT_INVALID if both are given */
function momentFrom(
  positionName: string,
  at: number | undefined,
  timeName: string,
  time: string | undefined,
): MomentInput | undefined {
  if (at === undefined) return time;
  if (time === undefined) return { position: at };
  const what = `allowed: ${positionName} or ${timeName}, not both`;
  throw new TidemarkError('ARGUMENT_INVALID', what);
}

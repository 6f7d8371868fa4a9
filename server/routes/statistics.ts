import type { FastifyInstance } from 'fastify';
import type { Instances } from '../instances.ts';
import { setMoment } from '../moment.ts';
import { jsonObject, noQuery, pathOf } from '../schemas.ts';

const tags = ['operation'];

/** `/stats` of an instance. */
export function statisticsRoutes(app: FastifyInstance): void {
  app.get(
    '/stats',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Read the figures of an instance',
        params: pathOf({}),
        querystring: noQuery,
        response: { 200: jsonObject },
      },
    },
    async ({ database }, reply) => {
      setMoment(reply, database.log.head);
      return database.stats();
    },
  );
}

/** `/stats_all`: those of every instance that is open. */
export function allStatisticsRoutes(app: FastifyInstance, instances: Instances): void {
  app.get(
    '/stats_all',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Read the figures of all instances that are open',
        querystring: noQuery,
        response: { 200: jsonObject },
      },
    },
    async () =>
      Object.fromEntries(
        [...instances.allOpened()].map(({ name, database }) => [name, database.stats()]),
      ),
  );
}

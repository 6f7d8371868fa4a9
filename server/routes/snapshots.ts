import type { FastifyInstance } from 'fastify';
import { setMoment } from '../moment.ts';
import { noQuery, pathOf } from '../schemas.ts';

const tags = ['snapshots'];
const snapshot = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    position: { type: 'integer' },
    time: { type: 'string', format: 'date-time' },
    bytes: { type: 'integer' },
  },
} as const;

/** `/snapshots`: what makes reading the past fast. */
export function snapshotRoutes(app: FastifyInstance): void {
  app.get(
    '/snapshots',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'List the snapshots, oldest first',
        params: pathOf({}),
        querystring: noQuery,
        response: {
          200: { type: 'object', properties: { snapshots: { type: 'array', items: snapshot } } },
        },
      },
    },
    async ({ database }, reply) => {
      setMoment(reply, database.log.head);
      return { snapshots: database.snapshots.list() };
    },
  );

  app.post(
    '/snapshots',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Take a snapshot at the newest commit',
        params: pathOf({}),
        querystring: noQuery,
        response: { 201: snapshot },
      },
    },
    async ({ database }, reply) => {
      const taken = await database.snapshots.take();
      setMoment(reply.code(201), taken);
      return taken;
    },
  );

  app.delete<{ Params: { name: string } }>(
    '/snapshots/:name',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Let a snapshot go; every moment stays readable',
        params: pathOf({ name: { type: 'string' } }),
        querystring: noQuery,
        response: { 204: { type: 'null' } },
      },
    },
    async ({ database, params }, reply) => {
      await database.snapshots.release(params.name);
      return reply.code(204).send();
    },
  );
}

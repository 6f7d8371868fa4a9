import type { FastifyInstance } from 'fastify';
import type { Database } from '../../database/index.ts';
import type { JobWork, ServiceJobs } from '../jobs.ts';
import { jsonObject, noQuery, pathOf } from '../schemas.ts';

const tags = ['operation'];
const job = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    instance: { type: 'string' },
    kind: { type: 'string' },
    state: { type: 'string', enum: ['running', 'done', 'failed'] },
    progress: { type: 'number', minimum: 0, maximum: 1 },
    began: { type: 'string', format: 'date-time' },
    ended: { type: 'string', format: 'date-time' },
    result: jsonObject,
    error: { type: 'string', description: 'The code of the error that ended it.' },
  },
} as const;

/** What a job does, by its kind. */
const WORK = {
  compact: (database) => () => database.compact(),
  verify: (database) => (report) => database.verify({ onProgress: report }),
  snapshot: (database) => () => database.snapshots.take(),
  flush: (database) => () => database.flush(),
} as const satisfies Record<string, (database: Database) => JobWork>;
type JobKind = keyof typeof WORK;

/** `/jobs`: work that goes on behind an answer. */
export function jobRoutes(app: FastifyInstance, jobs: ServiceJobs): void {
  app.get(
    '/jobs',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'List the jobs, newest first',
        querystring: noQuery,
        response: { 200: { type: 'object', properties: { jobs: { type: 'array', items: job } } } },
      },
    },
    async () => ({ jobs: jobs.list() }),
  );

  app.get<{ Params: { id: string } }>(
    '/jobs/:id',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Look at a job',
        params: {
          type: 'object',
          properties: { id: { type: 'string' } },
          required: ['id'],
        },
        querystring: noQuery,
        response: { 200: job },
      },
    },
    async ({ params }) => jobs.get(params.id),
  );
}

/** `/admin/…` of an instance: starts a job. */
export function maintenanceRoutes(app: FastifyInstance, jobs: ServiceJobs): void {
  app.post<{ Params: { kind: JobKind } }>(
    '/admin/:kind',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Start a maintenance job, or see the one of its kind that runs',
        params: pathOf({ kind: { type: 'string', enum: Object.keys(WORK) } }),
        querystring: noQuery,
        response: { 202: job },
      },
    },
    async ({ instanceName, database, params }, reply) => {
      const started = jobs.start(instanceName, params.kind, WORK[params.kind](database));
      reply.code(202).header('location', `/jobs/${started.id}`);
      return started;
    },
  );
}

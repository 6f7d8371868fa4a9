import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';
import { noQuery } from '../schemas.ts';

const tags = ['operation'];
const status = { type: 'object', properties: { status: { type: 'string' } } } as const;

/** `/health` and `/metrics`: for what looks after the process. */
export function operationRoutes(
  app: FastifyInstance,
  metrics: Metrics,
  state: () => 'ready' | 'opening' | 'closing',
): void {
  app.get(
    '/health/live',
    {
      config: { access: 'open' },
      schema: {
        tags,
        summary: 'Whether the process answers',
        querystring: noQuery,
        response: { 200: status },
      },
    },
    async () => ({ status: 'live' }),
  );

  app.get(
    '/health/ready',
    {
      config: { access: 'open' },
      schema: {
        tags,
        summary: 'Whether the service takes work at once',
        description:
          'Not while an instance is being opened and replays its log (`opening`), nor while the service shuts down (`closing`): 503.',
        querystring: noQuery,
        response: { 200: status, 503: status },
      },
    },
    async (_request, reply) => {
      const status = state();
      return reply.code(status === 'ready' ? 200 : 503).send({ status });
    },
  );

  app.get(
    '/metrics',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Figures for Prometheus',
        querystring: noQuery,
        response: { 200: { content: { 'text/plain': { schema: { type: 'string' } } } } },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );
}

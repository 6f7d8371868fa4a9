import type { FastifyInstance } from 'fastify';
import { noQuery } from '../schemas.ts';

const tags = ['operation'];
const response = {
  200: { type: 'object', properties: { status: { type: 'string' } } },
} as const;

/** `/health`: whether the process answers, and whether it takes work. */
export function healthRoutes(app: FastifyInstance): void {
  app.get(
    '/health/live',
    {
      config: { access: 'open' },
      schema: { tags, summary: 'Whether the process answers', querystring: noQuery, response },
    },
    async () => ({ status: 'live' }),
  );
  app.get(
    '/health/ready',
    {
      config: { access: 'open' },
      schema: { tags, summary: 'Whether the service takes work', querystring: noQuery, response },
    },
    async () => ({ status: 'ready' }),
  );
}

/** The OpenAPI document, made from the schemas that check requests, and a page to browse it. */
import { fastifySwagger } from '@fastify/swagger';
import { fastifySwaggerUi } from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { ERRORS, packageVersion } from '../base/index.ts';
import { PROBLEM_TYPE } from './problem.ts';

const DESCRIPTION = `Every path under \`/db/{instance}\` is also there without that prefix, for the instance \`default\`.

Reads take \`as_of\` or \`at_position\`, and every answer says in \`Tidemark-Position\` and \`Tidemark-Time\` at which moment it was read, or where a change landed. \`Tidemark-Provisional: true\` means that the moment has not passed yet.

Errors are problem documents (RFC 9457) whose \`code\` is stable.`;

const problem = {
  description: 'What went wrong.',
  content: {
    [PROBLEM_TYPE]: {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'requestId'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          code: { type: 'string', enum: Object.keys(ERRORS) },
          detail: { type: 'string' },
          requestId: { type: 'string' },
          data: { type: 'object', additionalProperties: true },
        },
      },
    },
  },
} as const;

/** Routes that are registered after it are in the document. */
export async function addDocumentation(app: FastifyInstance): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      servers: [{ url: '/' }],
      info: { title: 'Tidemark', version: packageVersion(), description: DESCRIPTION },
    },
    transform: ({ schema, url }) => {
      const answers = typeof schema?.response === 'object' ? schema.response : {};
      return { schema: { ...schema, response: { ...answers, default: problem } }, url };
    },
  });
  await app.register(fastifySwaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { config: { access: 'open' }, schema: { hide: true } }, async () =>
    app.swagger(),
  );
}

import type { FastifyInstance } from 'fastify';
import { metadataOf } from '../commit-headers.ts';
import { EVERYWHERE, type Grant, ROLES } from '../roles.ts';
import { noQuery, writeHeaders } from '../schemas.ts';
import type { Tokens } from '../tokens.ts';

const tags = ['tokens'];
const grants = {
  type: 'array',
  minItems: 1,
  maxItems: 1000,
  items: {
    type: 'object',
    required: ['instance', 'role'],
    additionalProperties: false,
    properties: {
      instance: {
        type: 'string',
        description: `A name, or "${EVERYWHERE}" for the whole service.`,
      },
      role: { type: 'string', enum: [...ROLES] },
    },
  },
} as const;
const name = { type: 'string' } as const;
const info = { type: 'object', properties: { name, grants } } as const;

/** `/tokens`: who may call the service. What changes is in the log of its own database. */
export function tokenRoutes(app: FastifyInstance, tokens: Tokens): void {
  app.get(
    '/tokens',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'List the tokens, without what they are',
        querystring: noQuery,
        response: {
          200: { type: 'object', properties: { tokens: { type: 'array', items: info } } },
        },
      },
    },
    async () => ({ tokens: tokens.list() }),
  );

  app.post<{ Body: { name: string; grants: Grant[] } }>(
    '/tokens',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Make a token; the answer is the only one to say what it is',
        querystring: noQuery,
        headers: writeHeaders,
        body: {
          type: 'object',
          required: ['name', 'grants'],
          additionalProperties: false,
          properties: { name, grants },
        },
        response: {
          201: { type: 'object', properties: { ...info.properties, token: { type: 'string' } } },
        },
      },
    },
    async (request, reply) => {
      const { actor, reason, correlationId } = metadataOf(request);
      const { name: asked, grants: granted } = request.body;
      const token = await tokens.create(asked, granted, { actor, reason, correlationId });
      reply.code(201).header('cache-control', 'no-store');
      return { name: asked, grants: granted, token };
    },
  );

  app.delete<{ Params: { name: string } }>(
    '/tokens/:name',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Revoke a token: from then on it opens nothing',
        querystring: noQuery,
        headers: writeHeaders,
        params: { type: 'object', required: ['name'], properties: { name } },
        response: { 204: { type: 'null' } },
      },
    },
    async (request, reply) => {
      const { actor, reason, correlationId } = metadataOf(request);
      await tokens.revoke(request.params.name, { actor, reason, correlationId });
      return reply.code(204).send();
    },
  );
}

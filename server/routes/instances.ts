import type { FastifyInstance } from 'fastify';
import { INSTANCE_SETTINGS } from '../configuration.ts';
import { namedInstance } from '../instance-list.ts';
import type { Instances } from '../instances.ts';
import type { OpenTransactions } from '../open-transactions.ts';
import { noQuery } from '../schemas.ts';

const tags = ['instances'];
/** Settings that name paths: for who has the machine, not for who has a token. */
const OF_THE_MACHINE = ['data_dir', 'indexes_file'];
const info = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    open: { type: 'boolean' },
    configured: {
      type: 'boolean',
      description: 'Whether the configuration names it; then it cannot be dropped at run time.',
    },
  },
} as const;

/** `/instances`: the databases of the service. */
export function instanceAdministrationRoutes(
  app: FastifyInstance,
  instances: Instances,
  transactions: OpenTransactions,
): void {
  app.get(
    '/instances',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'List the instances',
        querystring: noQuery,
        response: {
          200: { type: 'object', properties: { instances: { type: 'array', items: info } } },
        },
      },
    },
    async () => ({ instances: instances.list() }),
  );

  app.post<{ Body: { name: string } }>(
    '/instances',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Make an instance; it stays when the service is started again',
        querystring: noQuery,
        body: {
          type: 'object',
          description:
            'The settings of a `[[instance]]` of the configuration, without those that name paths.',
          required: ['name'],
          additionalProperties: false,
          properties: Object.fromEntries(
            Object.entries(INSTANCE_SETTINGS)
              .filter(([name]) => !OF_THE_MACHINE.includes(name))
              .map(([name, { allowed }]) => [name, { description: `Allowed: ${allowed}.` }]),
          ),
        },
        response: { 201: info },
      },
    },
    async (request, reply) => {
      const listed = namedInstance(request.body, (name) => `the setting ${name}`);
      await instances.create(listed);
      reply.code(201).header('location', `/db/${listed.name}/tables`);
      return instances.list().find(({ name }) => name === listed.name);
    },
  );

  app.delete<{ Params: { instance: string } }>(
    '/instances/:instance',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Drop an instance; its directory is moved aside, not deleted',
        querystring: noQuery,
        params: {
          type: 'object',
          required: ['instance'],
          properties: { instance: { type: 'string' } },
        },
        response: { 204: { type: 'null' } },
      },
    },
    async (request, reply) => {
      const { instance } = request.params;
      await instances.drop(instance);
      transactions.rollBackAll(instance);
      return reply.code(204).send();
    },
  );
}

import type { FastifyInstance } from 'fastify';
import type { JsonObject } from '../../base/index.ts';
import { metadataOf, setOutcome } from '../commit-headers.ts';
import { setMoment } from '../moment.ts';
import type { OpenTransactions } from '../open-transactions.ts';
import {
  operationList,
  operationResults,
  type RowOperation,
  runOperations,
} from '../operations.ts';
import { commitOutcome, jsonObject, noQuery, pathOf, writeHeaders } from '../schemas.ts';

interface Operations {
  readonly operations: readonly RowOperation[];
}

interface Commit {
  readonly fields?: JsonObject;
}

interface TransactionPath {
  readonly transaction: string;
}

const tags = ['transactions'];
const params = pathOf({ transaction: { type: 'string' } });
const fields = { ...jsonObject, description: 'Further metadata of the commit.' } as const;
const outcome = {
  type: 'object',
  properties: { results: operationResults, ...commitOutcome.properties },
} as const;

/** `/transactions`: several changes as one commit, in one request or over several. */
export function transactionRoutes(app: FastifyInstance, open: OpenTransactions): void {
  app.post<{ Body: Operations & Commit }>(
    '/transactions',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Run operations on any tables as one commit: all of them or none',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['operations'],
          properties: { operations: operationList, fields },
        },
        response: { 200: outcome },
      },
    },
    async (request, reply) => {
      const { operations, fields: more } = request.body;
      const { result, ...committed } = await request.database.transact(
        (tx) => runOperations(tx, operations),
        { ...metadataOf(request), fields: more },
      );
      setOutcome(reply, committed);
      return { results: result ?? [], ...committed };
    },
  );
  openTransactionRoutes(app, open);
}

function openTransactionRoutes(app: FastifyInstance, open: OpenTransactions): void {
  app.post(
    '/transactions/begin',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Begin a transaction over several requests',
        description:
          'It reads the state of now, and is checked when it commits: if what it read was changed since, nothing is written.',
        params: pathOf({}),
        querystring: noQuery,
        response: {
          201: {
            type: 'object',
            properties: {
              id: { type: 'string' },
              position: { type: 'integer', description: 'The position it reads at.' },
              expires: { type: 'string', format: 'date-time' },
            },
          },
        },
      },
    },
    async ({ instanceName, database }, reply) => {
      setMoment(reply.code(201), database.log.head);
      const { id, transaction, expires } = open.begin(instanceName, database);
      return { id, position: transaction.position, expires };
    },
  );

  app.post<{ Params: TransactionPath; Body: Operations }>(
    '/transactions/:transaction/operations',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Run operations in an open transaction',
        description: 'If one fails, those before it stay, and the transaction stays open.',
        params,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['operations'],
          properties: { operations: operationList },
        },
        response: { 200: { type: 'object', properties: { results: operationResults } } },
      },
    },
    async ({ instanceName, params: { transaction }, body }) => ({
      results: runOperations(open.get(instanceName, transaction), body.operations),
    }),
  );

  app.post<{ Params: TransactionPath; Body: Commit | undefined }>(
    '/transactions/:transaction/commit',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Commit a transaction, if nothing that it read was changed since',
        params,
        headers: writeHeaders,
        querystring: noQuery,
        body: { type: ['object', 'null'], additionalProperties: false, properties: { fields } },
        response: { 200: commitOutcome },
      },
    },
    async (request, reply) => {
      const metadata = { ...metadataOf(request), fields: request.body?.fields };
      const transaction = open.take(request.instanceName, request.params.transaction);
      const committed = await transaction.commit(metadata);
      setOutcome(reply, committed);
      return committed;
    },
  );

  app.post<{ Params: TransactionPath }>(
    '/transactions/:transaction/rollback',
    {
      config: { access: 'write' },
      schema: {
        tags,
        summary: 'Let a transaction go; nothing is written',
        params,
        querystring: noQuery,
        response: { 204: { type: 'null' } },
      },
    },
    async ({ instanceName, params: { transaction } }, reply) => {
      open.take(instanceName, transaction).rollback();
      return reply.code(204).send();
    },
  );
}

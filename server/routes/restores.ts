import type { FastifyInstance } from 'fastify';
import { TidemarkError } from '../../base/index.ts';
import type { RowKey, Where } from '../../database/index.ts';
import { metadataOf, setOutcome } from '../commit-headers.ts';
import { type MomentQuery, momentOf, momentParameters } from '../moment.ts';
import { commitOutcome, jsonObject, key, noQuery, pathOf, writeHeaders } from '../schemas.ts';

interface RestoreBody extends MomentQuery {
  readonly table?: string;
  readonly keys?: readonly RowKey[];
  readonly where?: Where;
  readonly allow_scan?: boolean;
  readonly undo?: number;
  readonly overwrite?: boolean;
  readonly preview?: boolean;
  readonly seen?: number;
}

/** `/restore`: the past, made the present by a new commit that says so. */
export function restoreRoutes(app: FastifyInstance): void {
  app.post<{ Body: RestoreBody }>(
    '/restore',
    {
      config: { access: 'write' },
      schema: {
        tags: ['rows'],
        summary: 'Bring rows back to a moment, or take a commit back',
        description:
          'With `table`, its rows (or those of `keys`, or those that fit `where` now or did then) become what they were at `as_of` or `at_position`. With `undo`, the rows of the commit that holds this position become what they were before it; `overwrite` does so even where they were changed later. `preview` writes nothing, and lists what would change and which later edits it would overwrite; its position as `seen` refuses rows that were changed since.',
        params: pathOf({}),
        headers: writeHeaders,
        querystring: noQuery,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            table: { type: 'string' },
            keys: { type: 'array', items: key },
            where: jsonObject,
            allow_scan: { type: 'boolean', description: 'For `where`, if no index serves.' },
            ...momentParameters,
            undo: { type: 'integer', minimum: 1 },
            overwrite: { type: 'boolean' },
            preview: { type: 'boolean' },
            seen: { type: 'integer', minimum: 0 },
          },
        },
        response: {
          200: {
            type: 'object',
            properties: {
              preview: { type: 'boolean' },
              rows: { type: 'array', items: jsonObject },
              ...commitOutcome.properties,
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { database, body } = request;
      const { table, keys, where, undo, overwrite, preview, seen } = body;
      const to = momentOf(body);
      if (undo !== undefined) {
        if ([table, keys, where, to].some((each) => each !== undefined)) throw unclear();
        const options = { preview, seen, overwrite };
        const outcome = await database.undo({ position: undo }, metadataOf(request), options);
        setOutcome(reply, outcome);
        return outcome;
      }
      if (table === undefined || to === undefined || overwrite !== undefined) throw unclear();
      const options = { preview, seen };
      const rows = { table, keys, where, allowScan: body.allow_scan, to };
      const outcome = await database.restoreRows(rows, metadataOf(request), options);
      setOutcome(reply, outcome);
      return outcome;
    },
  );
}

function unclear(): TidemarkError {
  return new TidemarkError(
    'ARGUMENT_INVALID',
    'allowed: `table` with `as_of` or `at_position` (and `keys` or `where`), or `undo` (and `overwrite`)',
  );
}

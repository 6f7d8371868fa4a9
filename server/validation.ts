/**
 * Requests are checked by their schemas before anything else sees them. What comes as text (path,
 * query, headers) is converted to the type its schema names; a body never is: `"5"` is no number.
 * A parameter that is not named is refused, not passed over.
 */
import { Ajv } from 'ajv';
import type { FastifySchema, FastifySchemaCompiler } from 'fastify';

const OPTIONS = { strictTypes: false, allowUnionTypes: true } as const;

export function requestValidator(): FastifySchemaCompiler<FastifySchema> {
  const ofText = new Ajv({ ...OPTIONS, coerceTypes: true, useDefaults: true });
  const ofBodies = new Ajv({ ...OPTIONS, useDefaults: true, discriminator: true });
  return ({ schema, httpPart }) => (httpPart === 'body' ? ofBodies : ofText).compile(schema);
}

/**
 * Row checks by JSON Schema, compiled once per schema version by ajv. Dialect: 2020-12, or draft-07
 * if `$schema` names it; formats by ajv-formats.
 *
 * A table is stricter than JSON Schema in one thing: if the schema names `properties` and says
 * nothing of others, a column that it does not name is an error, not an extension.
 */
import { Ajv } from 'ajv';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { isPlainObject, type JsonObject, limits, TidemarkError } from '../base/index.ts';

export type RowCheck = (row: JsonObject) => void;

const OPTIONS = { allErrors: true, strictTypes: false, strictRequired: false } as const;
const SAYS_OF_OTHERS = ['additionalProperties', 'unevaluatedProperties', 'patternProperties'];
const ERRORS_SHOWN_MAX = 5;

/** A row check that lets every JSON object pass. */
export const anyRow: RowCheck = () => {};

/** @throws SCHEMA_INVALID */
export function compileRowCheck(table: string, schema: JsonObject | undefined): RowCheck {
  if (schema === undefined) return anyRow;
  const validate = compile(table, schema);
  return (row) => {
    if (!validate(row)) throw violation(table, schema, validate.errors ?? []);
  };
}

/** The columns a schema names, in its order; undefined if it names none. */
export function columnsOf(schema: JsonObject | undefined): string[] | undefined {
  const properties = schema?.properties;
  return isPlainObject(properties) ? Object.keys(properties) : undefined;
}

/** The columns a row may have; undefined if the schema leaves it open. */
export function closedColumnsOf(schema: JsonObject | undefined): string[] | undefined {
  if (schema === undefined || SAYS_OF_OTHERS.some((name) => name in schema)) return undefined;
  return columnsOf(schema);
}

function compile(table: string, schema: JsonObject): ValidateFunction {
  if (!isPlainObject(schema)) throw invalid(table, 'it is not a plain object');
  if (JSON.stringify(schema).length > limits.SCHEMA_BYTES_MAX) {
    throw invalid(table, `it is larger than ${limits.SCHEMA_BYTES_MAX} bytes`);
  }
  const closed = closedColumnsOf(schema) !== undefined;
  const effective = {
    type: 'object',
    ...schema,
    ...(closed ? { additionalProperties: false } : {}),
  };
  try {
    const isDraft7 = String(schema.$schema ?? '').includes('draft-07');
    const ajv = isDraft7 ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS);
    ajvFormats.default(ajv);
    return ajv.compile(effective);
  } catch (error) {
    throw invalid(table, error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(table: string, why: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'SCHEMA_INVALID',
    `the schema of table ${table} is not valid: ${why}`,
    { table },
    cause,
  );
}

function violation(table: string, schema: JsonObject, errors: readonly ErrorObject[]) {
  const unknown = errors.find(
    (error) => error.keyword === 'additionalProperties' && error.instancePath === '',
  );
  if (unknown !== undefined) {
    const column = String(unknown.params.additionalProperty);
    const allowed = columnsOf(schema) ?? [];
    return new TidemarkError(
      'COLUMN_UNKNOWN',
      `table ${table} has no column ${JSON.stringify(column)}; it has: ${allowed.join(', ')}`,
      { table, column, allowed },
    );
  }
  const shown = errors
    .slice(0, ERRORS_SHOWN_MAX)
    .map(
      (error) => `${error.instancePath.slice(1) || 'the row'} ${error.message ?? error.keyword}`,
    );
  return new TidemarkError(
    'SCHEMA_VIOLATION',
    `a row of table ${table} does not fit its schema: ${shown.join('; ')}`,
    {
      table,
      violations: errors.map(({ instancePath, keyword, message, params }) => ({
        path: instancePath,
        keyword,
        message,
        params,
      })),
    },
  );
}

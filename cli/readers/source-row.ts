import type { JsonObject } from '../../base/index.ts';

/** A row with the line it was read from, so that a refusal can name it. */
export interface SourceRow {
  readonly line: number;
  readonly row: JsonObject;
}

import type { JsonObject, TidemarkError } from '../../base/index.ts';

/** A row with the line it was read from, so that a refusal can name it. */
export interface SourceRow {
  readonly line: number;
  readonly row: JsonObject;
}

/** A line that is no row. */
export interface BadRow {
  readonly line: number;
  readonly error: TidemarkError;
  /** As it stands in the source. */
  readonly text: string;
}

export type SourceItem = SourceRow | BadRow;

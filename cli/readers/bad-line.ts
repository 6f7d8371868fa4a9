import { TidemarkError } from '../../base/index.ts';

/** A line of an import that cannot be read. */
export function badLine(line: number, reason: string, cause?: unknown): TidemarkError {
  return new TidemarkError('IMPORT_INVALID', `line ${line}: ${reason}`, { line, reason }, cause);
}

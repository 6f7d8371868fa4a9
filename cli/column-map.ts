import { InvalidArgumentError } from 'commander';
import type { JsonObject } from '../base/index.ts';

/** From a column of the source to the one it becomes. */
export type ColumnMap = Readonly<Record<string, string>>;

/** Takes `column=source`, several times. */
export function mapArgument(text: string, before: ColumnMap = {}): ColumnMap {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) {
    throw new InvalidArgumentError('It must read column=source.');
  }
  const [column, source] = [text.slice(0, at), text.slice(at + 1)];
  if (Object.hasOwn(before, source)) {
    throw new InvalidArgumentError(`Column ${source} of the source is mapped twice.`);
  }
  return { ...before, [source]: column };
}

/** The row with its columns renamed; those that the map does not name stay as they are. */
export function mapped(row: JsonObject, map: ColumnMap): JsonObject {
  const columns = Object.entries(row).map(([name, value]) => [
    Object.hasOwn(map, name) ? map[name] : name,
    value,
  ]);
  return Object.fromEntries(columns);
}

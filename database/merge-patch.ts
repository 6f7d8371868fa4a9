/** JSON Merge Patch (RFC 7396). */
import { isPlainObject, type JsonObject, type JsonValue } from '../base/index.ts';

/** The row that `patch` makes of `row`: members that are null go away, objects are merged. */
export function mergePatch(row: JsonObject, patch: JsonObject): JsonObject {
  // Members as entries: one may be called __proto__, and must not become anything else.
  const merged = new Map<string, JsonValue | undefined>(Object.entries(row));
  for (const [name, change] of Object.entries(patch)) {
    if (change === undefined) continue;
    if (change === null) merged.delete(name);
    else if (isPlainObject(change)) merged.set(name, mergePatch(objectIn(merged, name), change));
    else merged.set(name, change);
  }
  return Object.fromEntries(merged);
}

/** A patch of a member that is no object makes it one. */
function objectIn(row: ReadonlyMap<string, unknown>, name: string): JsonObject {
  const member = row.get(name);
  return isPlainObject(member) ? (member as JsonObject) : {};
}

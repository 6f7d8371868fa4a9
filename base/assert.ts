/** A mistake of ours, not of the world: never caught, on in production. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * States what must hold for the code around it to be right.
 *
 * @param invariant names what is checked, by its number where the file head numbers its invariants.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(invariant);
}

/** Marks a branch that the type of `value` rules out. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}

/** A number with its noun: `1 row`, `2 rows`. */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return count === 1 ? `1 ${noun}` : `${count} ${nouns}`;
}

/**
 * The words of the key/value shell this store grew from, as commands of today: `SET a 1` is
 * `keys set a 1`. Undefined if the first word is none of them.
 */
export function keyWords(words: readonly string[]): readonly string[] | undefined {
  const [first = '', ...rest] = words;
  return WORDS[first]?.(rest);
}

const WORDS: Readonly<Record<string, (rest: readonly string[]) => readonly string[]>> = {
  SET: (rest) => ['keys', 'set', ...rest],
  GET: (rest) => ['keys', 'get', ...rest],
  DELETE: (rest) => ['keys', 'delete', ...rest],
  SCAN: ([prefix, ...rest]) =>
    prefix === undefined ? ['keys', 'scan'] : ['keys', 'scan', '--prefix', prefix, ...rest],
  ALL: (rest) => ['keys', 'scan', ...rest],
  KEYS: (rest) => ['keys', 'scan', '--keys-only', ...rest],
  COUNT: (rest) => ['keys', 'count', ...rest],
  BATCH: (rest) => ['keys', 'batch', ...rest],
  STATS: () => ['stats'],
};

/** The words of a text, as a text index knows them. */

const WORD = /[\p{L}\p{N}]+/gu;
const MARKS = /\p{M}+/gu;

/**
 * Folds a text so that its words are found however they are written: compatibility forms are one
 * (NFKD, Unicode Annex 15), case and accents do not count. The last step makes a word's final sigma
 * a sigma. What is folded stays as it is when it is folded again.
 */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replace(MARKS, '')
    .replaceAll('ς', 'σ');
}

/** Words in order, with repetitions: runs of letters and digits of the folded text. */
export function tokensOf(text: string): string[] {
  return foldText(text).match(WORD) ?? [];
}

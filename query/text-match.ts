/** Queries of text: the words they ask for, and whether a value has them. */
import type { JsonValue } from '../base/index.ts';
import { tokensOf } from './text-tokens.ts';

export interface QueryToken {
  /** Folded, as the index has it. */
  readonly word: string;
  /** Whether any word that begins with it will do. */
  readonly isPrefix: boolean;
}

/** The words of a query; `pre*` stands for every word that begins with `pre`. */
export function queryTokens(query: string): QueryToken[] {
  const tokens = new Map<string, QueryToken>();
  for (const [, written = '', star] of query.matchAll(/([^*]+)(\*)?/g)) {
    const words = tokensOf(written);
    // Only the word right before a star is cut short there.
    const isCut = star !== undefined && /[\p{L}\p{N}\p{M}]$/u.test(written);
    words.forEach((word, index) => {
      const isPrefix = isCut && index === words.length - 1;
      tokens.set(isPrefix ? `${word}*` : word, { word, isPrefix });
    });
  }
  return [...tokens.values()];
}

/** Whether a text, or the texts of a list together, have all the words. */
export function tokensMatch(tokens: readonly QueryToken[], value: JsonValue): boolean {
  const words = wordsOf(value);
  return tokens.every((token) => words.some((word) => isHit(token, word)));
}

/** How many words of a text, repetitions included, are among those asked for. */
export function hitsIn(tokens: readonly QueryToken[], value: JsonValue): number {
  return wordsOf(value).filter((word) => tokens.some((token) => isHit(token, word))).length;
}

function isHit({ word, isPrefix }: QueryToken, found: string): boolean {
  return isPrefix ? found.startsWith(word) : found === word;
}

function wordsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return tokensOf(value);
  return Array.isArray(value)
    ? value.flatMap((each) => (typeof each === 'string' ? tokensOf(each) : []))
    : [];
}

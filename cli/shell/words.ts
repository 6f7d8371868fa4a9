/**
 * A line of the shell, taken apart: words lie between spaces. Quotes keep spaces in a word, a
 * backslash takes the next character as it is, and a word that begins with `{` or `[` is JSON up
 * to the brace that closes it, quotes and spaces included.
 */
export interface Words {
  readonly words: readonly string[];
  /** What the line stops in the middle of; undefined if it is whole. */
  readonly open: 'quotes' | 'braces' | 'backslash' | undefined;
  /** Where the last word begins in the text, for completion; the end if there is none. */
  readonly lastAt: number;
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

export function splitWords(text: string): Words {
  const words: string[] = [];
  let at = 0;
  let lastAt = text.length;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++;
      lastAt = text.length;
      continue;
    }
    if (text.startsWith('\\\n', at)) {
      at += 2;
      continue;
    }
    lastAt = at;
    const found = text[at]! in CLOSING ? jsonWord(text, at) : plainWord(text, at);
    words.push(found.word);
    if (found.open !== undefined) return { words, open: found.open, lastAt };
    at = found.end;
  }
  return { words, open: undefined, lastAt: /\s$/.test(text) || text === '' ? text.length : lastAt };
}

interface Word {
  readonly word: string;
  readonly end: number;
  readonly open?: 'quotes' | 'braces' | 'backslash';
}

function plainWord(text: string, start: number): Word {
  let word = '';
  let at = start;
  while (at < text.length && !/\s/.test(text[at]!)) {
    const character = text[at]!;
    if (character === '\\') {
      if (at + 1 === text.length) return { word, end: at, open: 'backslash' };
      // A line that ends in a backslash goes on in the next one as if there were no end.
      if (text[at + 1] !== '\n') word += text[at + 1];
      at += 2;
    } else if (character === '"' || character === "'") {
      const quoted = quotedText(text, at);
      word += quoted.word;
      if (quoted.open !== undefined) return { ...quoted, word };
      at = quoted.end;
    } else {
      word += character;
      at++;
    }
  }
  return { word, end: at };
}

/** In single quotes everything is as it stands; in double ones a backslash takes the next character. */
function quotedText(text: string, start: number): Word {
  const quote = text[start]!;
  let word = '';
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return { word, end: at + 1 };
    if (text[at] === '\\' && quote === '"' && at + 1 < text.length) at++;
    word += text[at];
  }
  return { word, end: text.length, open: 'quotes' };
}

function jsonWord(text: string, start: number): Word {
  const closers: string[] = [];
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      const end = endOfString(text, at);
      if (end === undefined) return { word: text.slice(start), end: text.length, open: 'quotes' };
      at = end;
    } else if (character in CLOSING) closers.push(CLOSING[character]!);
    else if (character === closers.at(-1)) {
      closers.pop();
      if (closers.length === 0) return { word: text.slice(start, at + 1), end: at + 1 };
    }
  }
  return { word: text.slice(start), end: text.length, open: 'braces' };
}

/** Index of the quote that ends a JSON string; undefined if it does not end. */
function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return undefined;
}

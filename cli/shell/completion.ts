import { commandIn, wordsAfter } from '../words-after.ts';
import type { Session } from './session.ts';
import { DOT_COMMANDS } from './session.ts';
import { splitWords } from './words.ts';

/** Keys offered at a time; more say nothing. */
const KEYS_OFFERED = 20;

/** What may stand where the line ends, and the part of it that is typed already. */
export function completed(session: Session, line: string): [string[], string] {
  const { words, lastAt } = splitWords(line);
  const typed = line.slice(lastAt);
  const before = typed === '' ? words : words.slice(0, -1);
  const fitting = offered(session, before, typed).filter((each) => each.startsWith(typed));
  return [fitting.map((each) => `${each} `), typed];
}

function offered(session: Session, before: readonly string[], typed: string): readonly string[] {
  const { program, held } = session;
  const words = wordsAfter(program, before, typed);
  if (before.length === 0) {
    const dots = Object.keys(DOT_COMMANDS).map((name) => name.split(' ')[0]!);
    return [...words, ...dots].sort();
  }
  const command = commandIn(program, before);
  if (words.length > 0 || command === undefined) return words;
  const expected = command.registeredArguments.map((argument) => argument.name());
  const given = before.slice(1).filter((word) => !word.startsWith('-'));
  const next = expected[given.length];
  if (next === 'table' || next === 'name') return held.database.tables().map(({ name }) => name);
  if (next === 'key') return keysLike(session, given[0] ?? '', typed);
  return [];
}

/** Keys of a table that begin as typed; none if the table or the keys are of another kind. */
function keysLike({ held }: Session, table: string, typed: string): string[] {
  const info = held.database.tables().find(({ name }) => name === table);
  if (info === undefined) return [];
  const range =
    info.keyType === 'string' && typed !== ''
      ? { from: typed, to: `${typed}\u{10ffff}`, limit: KEYS_OFFERED }
      : { limit: KEYS_OFFERED };
  return [...held.database.table(table).entries(range)].map(({ key }) => quoted(String(key)));
}

function quoted(key: string): string {
  return /[\s"'\\{[]/.test(key) ? `"${key.replace(/["\\]/g, '\\$&')}"` : key;
}

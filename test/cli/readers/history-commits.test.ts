import { describe, expect, it } from 'vitest';
import { historyCommits } from '../../../cli/readers/history-commits.ts';
import { collected, inPieces } from './sources.ts';

const time = '2020-01-01T00:00:00Z';

function read(...values: unknown[]) {
  const text = values.map((value) => JSON.stringify(value)).join('\n');
  return collected(historyCommits(inPieces(text, 11)));
}

describe('history lines', () => {
  it('give commits with their line', async () => {
    const changes = [
      { op: 'insert', key: 'A', row: { a: 1 } },
      { op: 'delete', key: 'B' },
    ];
    expect(await read({ time, changes, actor: 'ana', reason: 'spring' })).toEqual([
      { line: 1, commit: { time, changes, actor: 'ana', reason: 'spring' } },
    ]);
  });

  it('keep members of other names as fields', async () => {
    const [first] = await read({ time, changes: [], commit: 'f00', fields: { run: 7 } });
    expect(first?.commit.fields).toEqual({ commit: 'f00', run: 7 });
  });

  it.each([
    ['no object', [1]],
    ['no time', { changes: [] }],
    ['no changes', { time }],
    ['an unknown op', { time, changes: [{ op: 'upsert', key: 'A', row: {} }] }],
    ['no key', { time, changes: [{ op: 'delete' }] }],
    ['no row', { time, changes: [{ op: 'insert', key: 'A' }] }],
    ['an actor that is no text', { time, changes: [], actor: 7 }],
    ['fields that are no object', { time, changes: [], fields: [] }],
  ])('with %s are refused by their number', async (_what, value) => {
    const sound = { time, changes: [] };
    await expect(read(sound, value)).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      data: { line: 2 },
    });
  });
});

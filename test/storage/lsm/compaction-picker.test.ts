import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyspaceShape } from '../../../storage/index.ts';
import {
  type CompactionPlan,
  type CompactionRules,
  PlanKind,
  pickCompaction,
  pickFullCompaction,
  tieredStretch,
} from '../../../storage/lsm/compaction-picker.ts';
import { CompactionStyle } from '../../../storage/lsm/index.ts';
import type { TableFacts } from '../../../storage/lsm/table.ts';

const LEVELED: CompactionRules = {
  compaction: CompactionStyle.leveled,
  mergeTablesMin: 3,
  levelBytesMax: 100,
  joinedTableBytesMax: 1000,
};
const TIERED: CompactionRules = { ...LEVELED, compaction: CompactionStyle.sizeTiered };

/**
 * A level drawn as text: `1:a-c/50 2:d-f` is table 1 with keys a to c and 50 bytes, then table 2
 * with 10 bytes. A `!` behind it says that it has tombstones.
 */
function level(text: string): TableFacts[] {
  return text
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => {
      const match = /^(\d+):(.)-(.)(?:\/(\d+))?(!?)$/.exec(each);
      if (match === null) expect.fail(`not a table: ${each}`);
      const [, number, smallest = '', largest = '', bytes = '10', tombstones] = match;
      return {
        number: Number(number),
        keyspace: 1,
        age: Number(number),
        entries: 1,
        tombstones: tombstones === '!' ? 1 : 0,
        bytes: Number(bytes),
        smallest,
        largest,
      };
    });
}

function drawn(plan: CompactionPlan | undefined): string {
  if (plan === undefined) return 'nothing';
  const numbers = (tables: readonly TableFacts[]) => tables.map(({ number }) => number).join(' ');
  switch (plan.kind) {
    case PlanKind.merge:
      return `merge ${plan.inputs.map(numbers).join(' | ')} to ${plan.level}, over ${numbers(plan.below)}`;
    case PlanKind.move:
      return `move ${numbers(plan.tables)} to ${plan.level}`;
    case PlanKind.join:
      return `join ${numbers(plan.tables)}`;
  }
}

function pick(rules: CompactionRules, ...levels: readonly string[]): string {
  return drawn(pickCompaction(KeyspaceShape.overwritten, levels.map(level), rules));
}

describe('leveled', () => {
  it('leaves alone what is in shape', () => {
    expect(pick(LEVELED)).toBe('nothing');
    expect(pick(LEVELED, '2:a-c 1:b-d', '3:a-z/100')).toBe('nothing');
  });

  it('merges all of level 0 with what it meets on level 1, over what is deeper', () => {
    expect(pick(LEVELED, '9:c-f 8:b-d 7:c-c', '1:a-a 2:b-e 3:f-g 4:h-i', '5:a-m 6:n-z')).toBe(
      'merge 9 8 7 | 2 3 to 1, over 5 6',
    );
  });

  it('moves tables that overlap nothing', () => {
    expect(pick(LEVELED, '9:g-h 8:e-f 7:c-d', '1:a-b 2:x-y')).toBe('move 9 8 7 to 1');
    expect(pick(LEVELED, '9:g-h 8:e-g 7:c-d', '1:a-b')).toBe('merge 9 8 7 |  to 1, over ');
    expect(pick(LEVELED, '', '1:a-b/60 2:c-d/60', '3:a-b/60')).toBe('move 2 to 2');
  });

  it('takes from a level that is too large the table that drags the least along', () => {
    expect(pick(LEVELED, '', '1:a-d/60 2:e-h/60', '3:a-b/50 4:c-f/10 5:g-z/50', '6:a-z')).toBe(
      'merge  | 1 | 3 4 to 2, over 6',
    );
  });

  it('serves the level that is worst off, the upper one on a tie', () => {
    expect(pick(LEVELED, '9:a-b 8:a-b 7:a-b', '1:a-z/100')).toBe('merge 9 8 7 | 1 to 1, over ');
    expect(pick(LEVELED, '9:a-b 8:a-b 7:a-b', '1:a-z/400')).toBe('move 1 to 2');
  });

  it('comes to rest: carried out again and again, plans end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(24), fc.nat(5), fc.integer({ min: 1, max: 300 }))),
        (flushes) => {
          let levels: TableFacts[][] = [[]];
          let next = 1;
          for (const [from, span, bytes] of flushes) {
            const smallest = String.fromCharCode(97 + from);
            const largest = String.fromCharCode(97 + Math.min(25, from + span));
            levels[0]!.unshift(...level(`${next++}:${smallest}-${largest}/${bytes}`));
            for (let steps = 0; ; steps++) {
              const plan = pickCompaction(KeyspaceShape.overwritten, levels, LEVELED);
              if (plan === undefined) break;
              if (steps > 100) expect.fail('plans go on for ever');
              levels = carriedOut(levels, plan, () => next++);
            }
            expect(levels[0]!.length).toBeLessThan(LEVELED.mergeTablesMin);
          }
        },
      ),
    );
  });

  it('compacts fully into one run, and again only for tombstones or new tables', () => {
    const full = (...levels: readonly string[]) =>
      drawn(pickFullCompaction(KeyspaceShape.overwritten, levels.map(level), LEVELED));
    expect(full()).toBe('nothing');
    expect(full('', '1:a-b 2:c-d')).toBe('nothing');
    expect(full('', '1:a-b 2:c-d!')).toBe('merge  | 1 2 to 1, over ');
    expect(full('3:a-b')).toBe('merge 3 to 1, over ');
    expect(full('3:a-b', '1:a-b', '2:a-z')).toBe('merge 3 | 1 | 2 to 2, over ');
  });
});

describe('size-tiered', () => {
  it('merges neighbours in age of like size, over older ones', () => {
    expect(pick(TIERED, '6:a-z 5:a-z 4:a-z 3:a-z/100 2:a-z/90 1:a-z/900')).toBe(
      'merge 6 5 4 to 0, over 3 2 1',
    );
    expect(pick(TIERED, '6:a-z 5:a-z 3:a-z/100 2:a-z/90 1:a-z/900')).toBe('nothing');
  });

  it('takes smaller runs that lie between along, because age must stay in order', () => {
    expect(pick(TIERED, '6:a-z/100 5:a-z/3 4:a-z/90 3:a-z/95 1:a-z/900')).toBe(
      'merge 6 5 4 3 to 0, over 1',
    );
  });

  it('compacts fully into one table', () => {
    const runs = [level('3:a-b 2:a-z'), level('1:a-z')];
    expect(drawn(pickFullCompaction(KeyspaceShape.overwritten, runs, TIERED))).toBe(
      'merge 3 2 | 1 to 0, over ',
    );
    expect(pickFullCompaction(KeyspaceShape.overwritten, [level('3:a-b')], TIERED)).toBeUndefined();
  });
});

describe('joining', () => {
  const join = (text: string) =>
    drawn(pickCompaction(KeyspaceShape.appended, [[], level(text)], LEVELED));
  const joinAll = (text: string) =>
    drawn(pickFullCompaction(KeyspaceShape.appended, [[], level(text)], LEVELED));

  it('joins neighbours of like size', () => {
    expect(join('1:a-a/90 2:b-b 3:c-c 4:d-d')).toBe('join 2 3 4');
    expect(join('1:a-a/90 2:b-b 3:c-c')).toBe('nothing');
  });

  it('never touches a table that could not grow by half', () => {
    expect(join('1:a-a/600 2:b-b/600 3:c-c/600 4:d-d/600')).toBe('nothing');
  });

  it('keeps the joined table within its limit', () => {
    expect(join('1:a-a/400 2:b-b/400 3:c-c/400')).toBe('join 1 2');
  });

  it('joins fully whatever fits together', () => {
    expect(joinAll('1:a-a/900 2:b-b/50 3:c-c/50 4:d-d/900')).toBe('join 1 2 3');
    expect(joinAll('1:a-a/900 2:b-b/900')).toBe('nothing');
    expect(joinAll('1:a-a')).toBe('nothing');
    expect(joinAll('')).toBe('nothing');
  });

  it('leaves a number of tables that grows with the logarithm, and rewrites a byte as often', () => {
    let sizes: number[] = [];
    let rewritten = 0;
    const flushes = 5000;
    for (let i = 0; i < flushes; i++) {
      sizes.push(1000);
      for (;;) {
        const stretch = tieredStretch(sizes, 4);
        if (stretch === undefined) break;
        const [start, end] = stretch;
        const joined = sizes.slice(start, end).reduce((sum, size) => sum + size, 0);
        rewritten += joined;
        sizes = [...sizes.slice(0, start), joined, ...sizes.slice(end)];
      }
    }
    expect(sizes.length).toBeLessThanOrEqual(3 * 7);
    expect(rewritten / (flushes * 1000)).toBeLessThan(7);
  });
});

/** The levels after a plan: a merge makes one table of its inputs. */
function carriedOut(
  levels: readonly (readonly TableFacts[])[],
  plan: CompactionPlan,
  nextNumber: () => number,
): TableFacts[][] {
  const gone = new Set(plan.kind === PlanKind.merge ? plan.inputs.flat() : plan.tables);
  const left = levels.map((tables) => tables.filter((table) => !gone.has(table)));
  if (plan.kind === PlanKind.join) return left;
  while (left.length <= plan.level) left.push([]);
  const target = left[plan.level]!;
  if (plan.kind === PlanKind.move) target.push(...plan.tables);
  else target.push(mergedTable([...gone], nextNumber()));
  target.sort((a, b) => (a.smallest < b.smallest ? -1 : 1));
  for (let i = 1; i < target.length; i++) {
    expect(target[i - 1]!.largest < target[i]!.smallest).toBe(true);
  }
  return left;
}

function mergedTable(tables: readonly TableFacts[], number: number): TableFacts {
  const smallest = tables.map((table) => table.smallest).sort()[0]!;
  const largest = tables
    .map((table) => table.largest)
    .sort()
    .at(-1)!;
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  return { ...tables[0]!, number, smallest, largest, bytes };
}

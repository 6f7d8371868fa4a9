import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retiredSnapshots, type SnapshotRetention } from '../../snapshot/snapshot-retention.ts';

/** `#` for a snapshot that stays and `.` for one that goes, by position, one every event. */
function drawn(count: number, retention: SnapshotRetention): string {
  const positions = Array.from({ length: count }, (_, index) => index + 1);
  const retired = new Set(retiredSnapshots(positions, count, retention));
  return positions.map((position) => (retired.has(position) ? '.' : '#')).join('');
}

/** What is left when one is taken every `every` events, and the policy is asked each time. */
function taken(count: number, every: number, retention: SnapshotRetention): number[] {
  let kept: number[] = [];
  for (let head = every; head <= count * every; head += every) {
    kept.push(head);
    const retired = new Set(retiredSnapshots(kept, head, retention));
    kept = kept.filter((position) => !retired.has(position));
  }
  return kept;
}

const retentions = fc.record({
  keepLast: fc.integer({ min: 1, max: 6 }),
  keepPerDoubling: fc.integer({ min: 1, max: 5 }),
});

describe('the retention of snapshots', () => {
  it('keeps the newest and thins out with age', () => {
    expect(drawn(40, { keepLast: 40, keepPerDoubling: 1 })).toBe('#'.repeat(40));
    expect(drawn(40, { keepLast: 3, keepPerDoubling: 1 })).toBe(
      '.............................#......####',
    );
    expect(drawn(40, { keepLast: 3, keepPerDoubling: 4 })).toBe(
      '..........#.......#.....#...#..#.#######',
    );
    expect(drawn(0, { keepLast: 1, keepPerDoubling: 1 })).toBe('');
    expect(drawn(1, { keepLast: 1, keepPerDoubling: 1 })).toBe('#');
  });

  it('keeps all of the last ones, and never adds or invents one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 60 }),
        fc.nat(1_000_000),
        retentions,
        (positions, ahead, retention) => {
          const newestFirst = [...positions].sort((a, b) => b - a);
          const head = (newestFirst[0] ?? 0) + ahead;
          const retired = retiredSnapshots(positions, head, retention);
          expect(retired).toEqual([...new Set(retired)].sort((a, b) => a - b));
          const older = newestFirst.slice(retention.keepLast);
          expect(retired.every((position) => older.includes(position))).toBe(true);
        },
      ),
    );
  });

  it('counts the empty state at position 0 as kept', () => {
    expect(retiredSnapshots([10, 20, 30, 1000], 1000, { keepLast: 1, keepPerDoubling: 2 })).toEqual(
      [10, 20],
    );
  });

  it('holds a number that grows with the logarithm of the log, however often it is asked', () => {
    fc.assert(
      fc.property(retentions, fc.integer({ min: 1, max: 1000 }), (retention, every) => {
        const count = 600;
        const kept = taken(count, every, retention);
        const doublings = Math.log2(count * every);
        const most = retention.keepLast + 2 + retention.keepPerDoubling * doublings;
        expect(kept.length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps every old moment within a share of its age: old snapshots do not wear away', () => {
    fc.assert(
      fc.property(retentions, fc.integer({ min: 1, max: 1000 }), (retention, every) => {
        const count = 600;
        const head = count * every;
        const kept = [0, ...taken(count, every, retention), head];
        const share = 1 - 2 ** (-2 / retention.keepPerDoubling);
        for (let i = 1; i < kept.length; i++) {
          const gap = kept[i]! - kept[i - 1]!;
          expect(gap).toBeLessThanOrEqual(Math.max(every, share * (head - kept[i - 1]!)));
        }
      }),
      { numRuns: 30 },
    );
  });
});

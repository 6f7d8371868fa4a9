import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, NodeFiles, type WritableFile } from '../../../base/index.ts';
import { COMPACTION_DEBT_MAX, KeyspaceShape, LsmStorage } from '../../../storage/index.ts';
import {
  type CompactionRules,
  compactionDebt,
  pickCompaction,
} from '../../../storage/lsm/compaction-picker.ts';
import { CompactionStyle } from '../../../storage/lsm/index.ts';
import type { TableFacts } from '../../../storage/lsm/table.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const RULES: CompactionRules = {
  compaction: CompactionStyle.leveled,
  mergeTablesMin: 4,
  levelBytesMax: 1000,
  joinedTableBytesMax: 1_000_000,
};
const TIERED: CompactionRules = { ...RULES, compaction: CompactionStyle.sizeTiered };

/** Tables of these sizes, apart from each other in key order. */
function tables(sizes: readonly number[]): TableFacts[] {
  return sizes.map((bytes, i) => {
    const key = String(i).padStart(6, '0');
    const ends = { smallest: key, largest: key };
    return { number: i + 1, keyspace: 1, age: i + 1, entries: 1, tombstones: 0, bytes, ...ends };
  });
}

const alike = (count: number) => tables(new Array<number>(count).fill(100));

describe('the debt of compaction', () => {
  it('counts level 0 of a leveled tree in units of what starts a compaction', () => {
    expect(compactionDebt('overwritten', [[]], RULES)).toBe(0);
    expect(compactionDebt('overwritten', [alike(2), alike(50)], RULES)).toBe(0.5);
    expect(compactionDebt('overwritten', [alike(4), alike(50)], RULES)).toBe(1);
    expect(compactionDebt('overwritten', [alike(12)], RULES)).toBe(3);
  });

  it('counts what waits to be made one of runs and of joined tables, and nothing else', () => {
    const grown = tables([64_000, 16_000, 16_000, 4000, 4000, 4000, 900, 900, 900]);
    expect(compactionDebt('overwritten', [grown], TIERED)).toBe(0);
    expect(compactionDebt('appended', [[], grown], RULES)).toBe(0);
    expect(compactionDebt('overwritten', [alike(8)], TIERED)).toBe(2);
    expect(compactionDebt('appended', [[], alike(8)], RULES)).toBe(2);
    const large = { ...RULES, joinedTableBytesMax: 150 };
    expect(compactionDebt('appended', [[], alike(8)], large)).toBe(0);
  });

  it('is never such that commits wait and no compaction is due', () => {
    const level = fc.array(fc.integer({ min: 1, max: 2_000_000 }), { maxLength: 40 }).map(tables);
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(KeyspaceShape)),
        fc.constantFrom(...Object.values(CompactionStyle)),
        fc.integer({ min: 2, max: 12 }),
        fc.array(level, { minLength: 2, maxLength: 4 }),
        (shape, compaction, mergeTablesMin, levels) => {
          const rules = { ...RULES, compaction, mergeTablesMin };
          const debt = compactionDebt(shape, levels, rules);
          if (debt >= 1) expect(pickCompaction(shape, levels, rules)).toBeDefined();
        },
      ),
    );
  });
});

/** The machine's files, on which each write to a table takes some milliseconds. */
class SlowFiles extends NodeFiles {
  override async openWrite(path: string): Promise<WritableFile> {
    const file = await super.openWrite(path);
    if (!path.endsWith('.sst')) return file;
    const sync = () => new Promise<void>((resolve) => setTimeout(resolve, 3));
    return {
      path,
      size: () => file.size(),
      write: (bytes, offset) => file.write(bytes, offset),
      writeDurably: (bytes, offset) => file.writeDurably(bytes, offset),
      sync,
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }
}

describe('a burst of writes on a slow disk', () => {
  it('waits for compactions: level 0 of an LsmStorage stays short, and nothing is lost', async () => {
    const mergeTablesMin = 2;
    const tiny = { memtableBytesMax: 2000, blockBytes: 64, tableBytesMax: 300, mergeTablesMin };
    const engine = await LsmStorage.open({
      directory: temporaryDirectory(),
      files: new SlowFiles(),
      durability: 'os',
      ...tiny,
    });
    let level0Max = 0;
    let debtMax = 0;
    await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (writer) => {
        for (let n = 0; n < 150; n++) {
          await engine.set(writer + ((n * 7) % 50), bytesOf(`${n}`.padEnd(60)));
          const { keyspaces, compactionDebt: debt } = engine.stats();
          level0Max = Math.max(level0Max, keyspaces[0]!.levels[0] ?? 0);
          debtMax = Math.max(debtMax, debt);
        }
      }),
    );
    expect(debtMax).toBeGreaterThanOrEqual(1);
    // What was frozen when the bound was reached comes on top: some memtables, no more.
    expect(level0Max).toBeLessThanOrEqual(COMPACTION_DEBT_MAX * mergeTablesMin + 4);
    for (const writer of 'abcd') {
      for (let i = 0; i < 50; i++) expect(engine.get(`${writer}${i}`)).toBeDefined();
    }
    await engine.close();
  });
});

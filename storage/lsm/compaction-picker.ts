/**
 * Which tables are merged next: pure functions from what a tree looks like to a plan. Levels are
 * given as a version has them: level 0 newest first, the others in key order.
 *
 * Leveled (overwritten keyspaces): level 0 is what was flushed, and overlaps; each deeper level is
 * one sorted run, ten times larger than the one above. The level most above its size gives tables
 * to the next. Size-tiered: every table is a run on level 0; when some of like size lie side by
 * side in age, they become one. Joining (appended keyspaces) is size-tiered by key instead of age,
 * and copies blocks instead of merging entries: tables never overlap.
 */
import { assert } from '../../base/index.ts';
import { KeyspaceShape } from '../keyspace-store.ts';
import { CompactionStyle } from './lsm-options.ts';
import type { TableFacts } from './table.ts';

export type Levels = readonly (readonly TableFacts[])[];

export interface CompactionRules {
  readonly compaction: CompactionStyle;
  readonly mergeTablesMin: number;
  readonly levelBytesMax: number;
  readonly joinedTableBytesMax: number;
}

export const PlanKind = { merge: 'merge', move: 'move', join: 'join' } as const;

export type CompactionPlan =
  | {
      /** Entries of several tables become new tables on `level`. */
      readonly kind: typeof PlanKind.merge;
      /** The inputs, by their level. */
      readonly inputs: Levels;
      readonly level: number;
      /** Older tables that stay: a key that one may hold keeps its tombstone. */
      readonly below: readonly TableFacts[];
    }
  | {
      /** Tables that overlap nothing go to `level` as they are. */
      readonly kind: typeof PlanKind.move;
      readonly tables: readonly TableFacts[];
      readonly level: number;
    }
  | {
      /** Neighbours in key order become one table by copying their blocks. */
      readonly kind: typeof PlanKind.join;
      readonly tables: readonly TableFacts[];
    };

const LEVEL_GROWTH = 10;

/** Undefined if the tree is in good shape. */
export function pickCompaction(
  shape: KeyspaceShape,
  levels: Levels,
  rules: CompactionRules,
): CompactionPlan | undefined {
  if (shape === KeyspaceShape.appended) return pickJoin(levels, rules);
  return rules.compaction === CompactionStyle.leveled
    ? pickLeveled(levels, rules)
    : pickSizeTiered(levels, rules);
}

/**
 * How far compaction is behind, in units of what starts one: the tables that every read passes and
 * that wait to be merged. Deeper levels need no count: level 0 is not emptied while they are
 * worse off, so that it grows in their stead.
 */
export function compactionDebt(
  shape: KeyspaceShape,
  levels: Levels,
  rules: CompactionRules,
): number {
  const { mergeTablesMin } = rules;
  if (shape === KeyspaceShape.appended) return stretchLength(joinable(levels, rules), rules);
  if (rules.compaction === CompactionStyle.leveled) {
    return (levels[0]?.length ?? 0) / mergeTablesMin;
  }
  return stretchLength(sizesOf(levels[0] ?? []), rules);
}

function stretchLength(sizes: readonly number[], { mergeTablesMin }: CompactionRules): number {
  const stretch = tieredStretch(sizes, mergeTablesMin);
  return stretch === undefined ? 0 : (stretch[1] - stretch[0]) / mergeTablesMin;
}

/** All that can be merged, in one plan; undefined once nothing is left. */
export function pickFullCompaction(
  shape: KeyspaceShape,
  levels: Levels,
  rules: CompactionRules,
): CompactionPlan | undefined {
  if (shape === KeyspaceShape.appended) return joinWhatFits(levels[1] ?? [], rules);
  const tables = levels.flat();
  if (tables.length === 0) return undefined;
  const tombstones = tables.some((table) => table.tombstones > 0);
  const leveled = rules.compaction === CompactionStyle.leveled;
  const isOneRun = leveled
    ? levels.filter((level) => level.length > 0).length === 1 && levels[0]!.length === 0
    : tables.length === 1 && levels[0]!.length === 1;
  if (isOneRun && !tombstones) return undefined;
  const level = leveled ? Math.max(1, levels.length - 1) : 0;
  return { kind: PlanKind.merge, inputs: levels, level, below: [] };
}

function pickLeveled(levels: Levels, rules: CompactionRules): CompactionPlan | undefined {
  let worst: number | undefined;
  let worstScore = 0;
  for (const [level, tables] of levels.entries()) {
    const score =
      level === 0
        ? tables.length / rules.mergeTablesMin
        : bytesOf(tables) / (rules.levelBytesMax * LEVEL_GROWTH ** (level - 1));
    const isDue = level === 0 ? score >= 1 : score > 1;
    // Strictly greater: on a tie the upper level, which every read has to pass, goes first.
    if (!isDue || score <= worstScore) continue;
    worst = level;
    worstScore = score;
  }
  if (worst === undefined) return undefined;
  const moving = worst === 0 ? levels[0]! : [cheapest(levels[worst]!, levels[worst + 1] ?? [])];
  return descend(levels, worst, moving);
}

/** Takes `moving` from its level to the next. */
function descend(levels: Levels, from: number, moving: readonly TableFacts[]): CompactionPlan {
  const level = from + 1;
  const met = overlapping(moving, levels[level] ?? []);
  if (met.length === 0 && areApart(moving)) return { kind: PlanKind.move, tables: moving, level };
  const inputs: TableFacts[][] = levels.slice(0, level + 1).map(() => []);
  inputs[from] = [...moving];
  inputs[level] = [...met];
  return { kind: PlanKind.merge, inputs, level, below: levels.slice(level + 1).flat() };
}

/** The table that drags the fewest bytes of the next level along, for each byte of its own. */
function cheapest(tables: readonly TableFacts[], next: readonly TableFacts[]): TableFacts {
  let best: TableFacts | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const table of tables) {
    const cost = bytesOf(overlapping([table], next)) / table.bytes;
    if (cost >= bestCost) continue;
    best = table;
    bestCost = cost;
  }
  assert(best !== undefined, 'a level that is too large has tables');
  return best;
}

function pickSizeTiered(levels: Levels, rules: CompactionRules): CompactionPlan | undefined {
  const runs = levels[0] ?? [];
  const stretch = tieredStretch(sizesOf(runs), rules.mergeTablesMin);
  if (stretch === undefined) return undefined;
  const [start, end] = stretch;
  const below = [...runs.slice(end), ...levels.slice(1).flat()];
  return { kind: PlanKind.merge, inputs: [runs.slice(start, end)], level: 0, below };
}

function pickJoin(levels: Levels, rules: CompactionRules): CompactionPlan | undefined {
  const stretch = tieredStretch(joinable(levels, rules), rules.mergeTablesMin);
  if (stretch === undefined) return undefined;
  const [start, end] = stretch;
  const tables = (levels[1] ?? []).slice(start, end);
  return { kind: PlanKind.join, tables: fitting(tables, rules.joinedTableBytesMax) };
}

/** Sizes; infinite for what cannot grow by another half: it is left as it is, and parts its neighbours. */
function joinable(levels: Levels, { joinedTableBytesMax }: CompactionRules): readonly number[] {
  return sizesOf(levels[1] ?? []).map((bytes) =>
    bytes > joinedTableBytesMax / 2 ? Number.POSITIVE_INFINITY : bytes,
  );
}

function joinWhatFits(
  tables: readonly TableFacts[],
  rules: CompactionRules,
): CompactionPlan | undefined {
  for (let start = 0; start < tables.length; start++) {
    const joined = fitting(tables.slice(start), rules.joinedTableBytesMax);
    if (joined.length > 1) return { kind: PlanKind.join, tables: joined };
    if (tables.length - start <= 1) break;
  }
  return undefined;
}

/** As many of the first tables as make one of at most `bytesMax`. */
function fitting(tables: readonly TableFacts[], bytesMax: number): readonly TableFacts[] {
  let bytes = 0;
  let count = 0;
  while (count < tables.length && bytes + tables[count]!.bytes <= bytesMax) {
    bytes += tables[count]!.bytes;
    count++;
  }
  return tables.slice(0, count);
}

/**
 * A stretch of neighbours worth making one: at least `countMin` of one tier, and whatever smaller
 * ones lie between them. A tier is a range of sizes from one power of `countMin` to the next, so
 * what comes out is of a higher tier, and each byte is merged once a tier: about log(n) times. What
 * stays is fewer than `countMin` tables of each tier.
 *
 * @param sizes infinite for what must not be touched
 * @returns start and end of the stretch
 */
export function tieredStretch(
  sizes: readonly number[],
  countMin: number,
): readonly [number, number] | undefined {
  const tiers = sizes.map((size) => Math.floor(Math.log(Math.max(1, size)) / Math.log(countMin)));
  const distinct = [...new Set(tiers)].filter(Number.isFinite).sort((a, b) => a - b);
  for (const tier of distinct) {
    let start = 0;
    let count = 0;
    for (let at = 0; at <= tiers.length; at++) {
      if (at < tiers.length && tiers[at]! <= tier) {
        if (tiers[at] === tier) count++;
        continue;
      }
      if (count >= countMin) return [start, at];
      start = at + 1;
      count = 0;
    }
  }
  return undefined;
}

function overlapping(
  moving: readonly TableFacts[],
  tables: readonly TableFacts[],
): readonly TableFacts[] {
  let { smallest, largest } = moving[0]!;
  for (const table of moving) {
    if (table.smallest < smallest) smallest = table.smallest;
    if (table.largest > largest) largest = table.largest;
  }
  return tables.filter((table) => table.smallest <= largest && table.largest >= smallest);
}

function areApart(tables: readonly TableFacts[]): boolean {
  const ascending = [...tables].sort((a, b) => (a.smallest < b.smallest ? -1 : 1));
  return ascending.every((table, i) => i === 0 || ascending[i - 1]!.largest < table.smallest);
}

function sizesOf(tables: readonly TableFacts[]): readonly number[] {
  return tables.map(({ bytes }) => bytes);
}

function bytesOf(tables: readonly TableFacts[]): number {
  return tables.reduce((sum, table) => sum + table.bytes, 0);
}

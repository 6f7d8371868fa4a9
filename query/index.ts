export { type QueryIndex, queryIndex } from './access.ts';
export { type CursorPlace, decodeCursor, encodeCursor } from './cursor-format.ts';
export type { RowDifference } from './difference.ts';
export {
  explain,
  type FindRequest,
  type FindTable,
  type FoundPage,
  type FoundRow,
  find,
  type PlanStep,
  type PlanSummary,
} from './find.ts';
export { type Order, type OrderBy, orderText, parseOrder, type QueryOrder } from './find-order.ts';
export { type BuiltTable, IndexBuild } from './index-build.ts';
export { checkIndex, type IndexCheck, type IndexSize, measureIndex } from './index-check.ts';
export {
  type CustomExtractor,
  checkIndexName,
  defineIndex,
  type IndexDefinition,
  IndexExtractor,
  type IndexShape,
  IndexState,
  IndexType,
  indexesOf,
  isPath,
  isSameIndex,
} from './index-definition.ts';
export { type Extractor, IndexTerms, missingExtractor, type Terms } from './index-terms.ts';
export { IndexReplay, projectIndexes, writeUpkeep } from './index-upkeep.ts';
export type { Moment, MomentInput } from './moment.ts';
export type { PastState } from './past-state.ts';
export {
  COUNTS,
  countOffset,
  encodeUpkeep,
  livePostingKey,
  livePostings,
  type PastPosting,
  type Posting,
  pastPostingKey,
  pastPostings,
  readLivePosting,
  readPastPosting,
  readUpkeep,
  UPKEEP_RANGE,
  type Upkeep,
  UpkeepState,
  upkeepKey,
} from './posting-format.ts';
export type { QueryLimits, QueryStatistics } from './query-budget.ts';
export { QueryEngine } from './query-engine.ts';
export type { QueryState } from './rank-sources.ts';
export { rowPath } from './row-path.ts';
export { TableIndexes } from './table-indexes.ts';
export {
  decodePart,
  encodeTerm,
  isLossy,
  kindRange,
  OTHER,
  partsOf,
  type Scalar,
  type TermValue,
  termEnd,
  textPrefix,
} from './term-format.ts';
export { foldText, tokensOf } from './text-tokens.ts';
export { type Operators, type Predicate, parseWhere, predicateText, type Where } from './where.ts';

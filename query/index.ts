export type { RowDifference } from './difference.ts';
export type { Moment, MomentInput } from './moment.ts';
export type { PastState } from './past-state.ts';
export { QueryEngine } from './query-engine.ts';

/**
 * Which snapshots may go. Pure: positions in, positions out.
 *
 * The newest ones are all kept. Behind them the policy thins out with age: for each doubling of
 * the age, counted in events, a fixed number is kept, spread evenly. So their number grows with the
 * logarithm of the log, and the replay to any moment stays within a fixed share of its age.
 */
export interface SnapshotRetention {
  /** This many of the newest are kept, whatever their age. At least 1. */
  readonly keepLast: number;
  /** Of the older ones, this many for each doubling of age. At least 1. */
  readonly keepPerDoubling: number;
}

/**
 * @param positions of all snapshots, in any order
 * @param head the newest position of the log
 * @returns the positions whose snapshots may go, ascending
 */
export function retiredSnapshots(
  positions: readonly number[],
  head: number,
  { keepLast, keepPerDoubling }: SnapshotRetention,
): number[] {
  const newestFirst = [...positions].sort((a, b) => b - a);
  const retired: number[] = [];
  let slotBefore = Number.NaN;
  for (const position of newestFirst.slice(keepLast)) {
    const slot = Math.floor(Math.log2(Math.max(1, head - position)) * keepPerDoubling);
    // The newest of a slot is kept: ages only grow, so what is kept today is not missed tomorrow.
    if (slot === slotBefore) retired.push(position);
    slotBefore = slot;
  }
  return retired.reverse();
}

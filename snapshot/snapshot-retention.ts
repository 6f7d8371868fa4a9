/**
 * Which snapshots may go. Pure: positions in, positions out.
 *
 * The newest ones are all kept. Behind them the policy thins out with age, counted in events: a
 * snapshot goes if the way from the one kept before it to the one after it is no more than a fixed
 * share of the age of the former. (The empty state at position 0 counts as kept: it costs nothing.)
 * Two steps over kept snapshots then always are more than that share; so their number grows with
 * the logarithm of the log, and a replay to any moment stays within a share of the moment's age.
 * Ages only grow: a gap that was allowed once is allowed for ever, and repeating the choice with
 * each new snapshot wears nothing away. (Keeping the newest in each class of age does: each one
 * that comes into a class takes the place of one that was to grow older. Of 2000 snapshots five
 * were left, all of them young.)
 */
export interface SnapshotRetention {
  /** This many of the newest are kept, whatever their age. At least 1. */
  readonly keepLast: number;
  /** Of the older ones, at most this many for each doubling of age. At least 1. */
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
  const ascending = [...positions].sort((a, b) => a - b);
  // Two gaps make a factor of 2^(2/k) in age, so k gaps make a doubling.
  const share = 1 - 2 ** (-2 / keepPerDoubling);
  const retired: number[] = [];
  let kept = 0;
  for (let i = 0; i < ascending.length - keepLast; i++) {
    const gap = ascending[i + 1]! - kept;
    if (gap <= share * (head - kept)) retired.push(ascending[i]!);
    else kept = ascending[i]!;
  }
  return retired;
}

import { describe, expect, it } from 'vitest';
import { Watermark } from '../../eventlog/index.ts';

/** Lets every continuation that is due run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Notes in `seen` how a promise ends. */
function noting(seen: string[], name: string, promise: Promise<void>): void {
  promise.then(
    () => seen.push(name),
    (error: unknown) => seen.push(`${name}: ${error instanceof Error ? error.message : ''}`),
  );
}

describe('a watermark', () => {
  it('wakes who waits for what it has reached, and nobody else', async () => {
    const mark = new Watermark(2);
    const seen: string[] = [];
    for (const level of [1, 2, 3, 4, 6]) noting(seen, `${level}`, mark.reach(level));
    await turn();
    expect(seen).toEqual(['1', '2']);
    mark.rise(4);
    await turn();
    expect(seen).toEqual(['1', '2', '3', '4']);
    expect(mark.level).toBe(4);
    mark.rise(6);
    await turn();
    expect(seen).toEqual(['1', '2', '3', '4', '6']);
  });

  it('only rises', () => {
    const mark = new Watermark(5);
    mark.rise(3);
    expect(mark.level).toBe(5);
  });

  it('tells all who wait, and all who come, why it will not rise; what it reached stays reached', async () => {
    const mark = new Watermark(1);
    const seen: string[] = [];
    noting(seen, 'waiting', mark.reach(2));
    mark.fail(new RangeError('no more'));
    noting(seen, 'late', mark.reach(3));
    noting(seen, 'reached', mark.reach(1));
    noting(seen, 'late with a signal', mark.reachOr(3, new AbortController().signal));
    await turn();
    expect(seen.sort()).toEqual([
      'late with a signal: no more',
      'late: no more',
      'reached',
      'waiting: no more',
    ]);
  });

  it('lets one go who does not want to wait longer, and only that one', async () => {
    const mark = new Watermark(0);
    const seen: string[] = [];
    const control = new AbortController();
    noting(seen, 'gone', mark.reachOr(1, control.signal));
    noting(seen, 'stays', mark.reachOr(1, new AbortController().signal));
    noting(seen, 'without a signal', mark.reachOr(1, undefined));
    await turn();
    control.abort();
    await turn();
    expect(seen).toEqual(['gone']);
    noting(seen, 'too late', mark.reachOr(1, control.signal));
    await turn();
    expect(seen).toEqual(['gone', 'too late']);
    mark.rise(1);
    await turn();
    expect(seen.slice(2).sort()).toEqual(['stays', 'without a signal']);
  });
});
